"""Passkeys in Chromium, with its virtual authenticator: registered, sole factor, second factor, keyboard alone."""

from __future__ import annotations

import pytest

from embedded.installation import Installation
from tests.e2e.conftest import Scene
from tests.e2e.holder import Holder
from tests.e2e.relying_party import RelyingParty


def test_AUT05_a_passkey_is_registered_and_signs_in_without_a_password(
    installation: Installation, holder: Holder
) -> None:
    globex, visitor = installation.demo["tenants"]["globex"], holder.visitor
    holder.ready(False)
    visitor.go(f"{installation.origin}/account/authenticators/passkey")
    visitor.look("passkey-sign-in")
    visitor.sign_in(globex["member"])
    visitor.heading("Add a passkey")
    visitor.look("passkey-new")
    visitor.fill("Name", "Laptop")
    holder.ready(True)
    visitor.press("Add the passkey")
    visitor.heading("Your recovery codes")
    visitor.look("passkey-recovery-codes")
    assert len(holder.credentials()) == 1
    visitor.go(f"{installation.origin}/account/security")
    visitor.sees("Laptop")
    visitor.look("passkey-security")

    visitor.context.clear_cookies()  # the next visit's autofill is answered at once: nothing is typed
    visitor.go(f"{installation.origin}/account/")
    visitor.page.wait_for_url("**/account/")
    visitor.heading("Profile")

    visitor.context.clear_cookies()
    holder.ready(False)
    visitor.go(f"{installation.origin}/account/security")
    visitor.sign_in(globex["member"])
    visitor.heading("Confirm that it is you")
    visitor.look("passkey-second-factor")
    holder.ready(True)
    visitor.press("Use a passkey")
    visitor.heading("Security")


def test_AUT15_one_behind_single_sign_on_is_no_way_in_by_itself(
    holder: Holder, people: Scene, application: RelyingParty
) -> None:
    tenant, visitor = people.open, holder.visitor
    person = tenant["signed_in_elsewhere"]["new"].pop()
    wanted = "urn:claviger:acr:phr"
    holder.ready(False)
    for _ in range(2):  # added at the first sign-in, asked for at the second
        verifier = application.send(visitor, tenant, acr_values=wanted)
        visitor.fill("E-mail address", person["email"])
        visitor.press("Continue")
        visitor.sees("Customs House")
        visitor.press("Continue")
        visitor.fill("Password", person["password"])
        visitor.press("Sign in")
        holder.ready(True)
        if not holder.credentials():
            visitor.follow("Add a passkey")
            visitor.fill("Name", "Laptop")
            visitor.press("Add the passkey")
            visitor.heading("Your recovery codes")
            visitor.follow("I have stored them: go on")
            visitor.press("Allow")
        else:
            visitor.press("Use a passkey")
        claims = application.receive(visitor, tenant, verifier)
        assert (claims["acr"], claims["amr"]) == (wanted, ["fed", "hwk", "mfa"])
        holder.ready(False)
        visitor.context.clear_cookies()
    assert [one["isResidentCredential"] for one in holder.credentials()] == [False]


def test_the_demos_passkey_is_one_for_a_virtual_authenticator_by_keyboard_alone(
    installation: Installation, holder: Holder
) -> None:
    passkey = installation.demo["tenants"]["acme"]["passkeyed"]["passkey"]
    holder.ready(False)
    credential = {
        "credentialId": to_base64(passkey["credential_id"]),
        "isResidentCredential": True,
        "rpId": passkey["rp_id"],
        "privateKey": passkey["private_key"],
        "userHandle": to_base64(passkey["user_handle"]),
        "signCount": 1,
    }
    holder.take(credential)
    page = holder.visitor.page
    holder.visitor.go(f"{installation.origin}/account/")
    holder.visitor.heading("Sign in")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == "Sign in with a passkey":
            break
    else:
        pytest.fail("the passkey button is not reached by keyboard")
    holder.wait_for_autofill()
    holder.ready(True)
    page.keyboard.press("Enter")
    holder.visitor.heading("Profile")


def to_base64(text: str) -> str:
    """CDP wants the plain alphabet with padding."""
    plain = text.replace("-", "+").replace("_", "/")
    return plain + "=" * (-len(plain) % 4)
