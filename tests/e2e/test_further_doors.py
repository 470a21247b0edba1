"""Every further way in, with scripts and without: each is a form that works by itself."""

from __future__ import annotations

import re
import secrets
from typing import Any

import httpx
from eth_account import Account
from eth_account.messages import encode_defunct

from tests.e2e.conftest import Scene
from tests.e2e.mailbox import Mailbox
from tests.e2e.relying_party import RelyingParty
from tests.e2e.test_main_doors import NEW_PASSWORD, code_of, come_in
from tests.e2e.visitor import Visitor
from tests.e2e.walker import Walker


def ask_by_mail(walker: Walker, person: dict[str, Any]) -> None:
    walker.fill("E-mail address", person["email"])
    walker.press("Continue")
    walker.press("Sign in by mail")
    walker.heading("Look into your mail")


def test_AUT07_a_code_by_mail(
    walker: Walker, people: Scene, application: RelyingParty, mailbox: Mailbox
) -> None:
    person = people.somebody()
    verifier = application.send(walker, people.open)
    ask_by_mail(walker, person)
    walker.fill("Six-digit code", mailbox.code(person["email"]))
    walker.press("Sign in")
    assert come_in(walker, application, people.open, verifier)["amr"] == ["email_code"]


def test_AUT06_a_link_by_mail_signs_in_by_its_button_and_here_only(
    walker: Walker, visitor: Visitor, people: Scene, application: RelyingParty, mailbox: Mailbox
) -> None:
    person = people.somebody()
    verifier = application.send(walker, people.open)
    ask_by_mail(walker, person)
    link = mailbox.link(person["email"])
    if visitor is not walker:
        visitor.go(link)
        visitor.heading("This link belongs to another browser")
    walker.go(link)
    walker.press("Sign in")
    assert come_in(walker, application, people.open, verifier)["amr"] == ["magic_link"]


def test_AUT08_a_code_by_phone(
    walker: Walker, people: Scene, application: RelyingParty, mailbox: Mailbox
) -> None:
    person = people.somebody("phone")
    verifier = application.send(walker, people.open)
    walker.follow("Sign in by phone")
    walker.fill("Phone number", person["phone"])
    walker.press("Send a code")
    walker.heading("Look at your phone")
    walker.fill("Six-digit code", mailbox.texted(person["phone"]))
    walker.press("Sign in")
    assert come_in(walker, application, people.open, verifier)["amr"] == ["sms"]


def test_AUT10_a_wallet_signs_by_hand(walker: Walker, people: Scene, application: RelyingParty) -> None:
    person = people.somebody("wallet")
    verifier = application.send(walker, people.open)
    walker.follow("Sign in with a wallet")
    walker.fill("Address of the wallet", person["wallet"])
    walker.press("Continue")
    walker.heading("Sign this message")
    walker.fill("Signature", signature(person, walker.text("[data-wallet-message]")))
    walker.press("Sign in")
    assert come_in(walker, application, people.open, verifier)["amr"] == ["wallet"]


def signature(person: dict[str, Any], message: str) -> str:
    signed = Account.from_key(person["wallet_key"]).sign_message(encode_defunct(text=message))
    return "0x" + signed.signature.hex().removeprefix("0x")


def test_AUT11_a_guest_keeps_the_subject_after_linking_an_address(
    walker: Walker, people: Scene, application: RelyingParty, mailbox: Mailbox, installation: Any
) -> None:
    tenant, email = people.open, f"guest-{secrets.token_hex(4)}@example.com"
    verifier = application.send(walker, tenant)
    walker.press("Continue as a guest")
    guest = come_in(walker, application, tenant, verifier)
    assert (guest["acr"], guest["amr"]) == ("0", ["guest"])
    walker.go(f"{installation.origin}/account/addresses/add")
    walker.fill("E-mail address", email)
    walker.press("Send the code")
    walker.fill("Six-digit code", mailbox.code(email))
    walker.press("Confirm")
    walker.heading("Profile")
    upgraded = come_back_by_mail(walker, application, tenant, mailbox, email)
    assert upgraded["sub"] == guest["sub"]
    assert upgraded["amr"] == ["email_code"]


def come_back_by_mail(
    walker: Walker, application: RelyingParty, tenant: dict[str, Any], mailbox: Mailbox, email: str
) -> Any:
    verifier = application.send(walker, tenant, prompt="login")
    ask_by_mail(walker, {"email": email})
    walker.fill("Six-digit code", mailbox.code(email))
    walker.press("Sign in")
    return application.receive(walker, tenant, verifier)


def test_a_recovery_code_stands_for_a_lost_app(
    walker: Walker, people: Scene, application: RelyingParty
) -> None:
    person = people.somebody("codes")
    verifier = application.send(walker, people.open)
    walker.sign_in(person)
    walker.follow("Use a recovery code")
    walker.fill("Recovery code", person["codes"][0])
    walker.press("Use this code")
    assert come_in(walker, application, people.open, verifier)["acr"] == "urn:claviger:acr:mfa"


def test_AUT16_a_step_up_asks_for_what_is_missing(
    walker: Walker, people: Scene, application: RelyingParty, installation: Any
) -> None:
    person, tenant = people.somebody(), people.open
    verifier = application.send(walker, tenant)
    walker.sign_in(person)
    first = come_in(walker, application, tenant, verifier)
    verifier = application.send(walker, tenant, acr_values="urn:claviger:acr:mfa")
    walker.heading("Protect your account")
    enrol(walker)
    second = application.receive(walker, tenant, verifier)
    assert (second["acr"], second["sid"]) == ("urn:claviger:acr:mfa", first["sid"])


def enrol(walker: Walker) -> None:
    """Add an authenticator app, store the recovery codes, and go on."""
    walker.follow("Use an authenticator app")
    key = re.sub(r"\s", "", walker.text(".copyable__value"))
    walker.fill("The code that the app shows", code_of({"totp": key}))
    walker.press("Confirm")
    walker.heading("Your recovery codes")
    assert len(walker.text("#codes").split()) == 10
    walker.follow("I have stored them: go on")


def test_AUT15_a_tenant_that_demands_more_lets_one_enrol_first(
    walker: Walker, people: Scene, application: RelyingParty
) -> None:
    person, tenant = people.somebody(strict=True), people.strict
    verifier = application.send(walker, tenant)
    walker.sign_in(person)
    walker.heading("Protect your account")
    enrol(walker)
    claims = come_in(walker, application, tenant, verifier)
    assert (claims["acr"], claims["amr"]) == ("urn:claviger:acr:mfa", ["otp", "pwd", "mfa"])


def test_ORG02_a_member_of_two_organizations_chooses(
    walker: Walker, people: Scene, application: RelyingParty
) -> None:
    person, tenant = people.somebody("chooser"), people.open
    verifier = application.send(walker, tenant)
    walker.sign_in(person)
    walker.heading("Choose an organization")
    walker.press(person["organizations"][1])
    claims = come_in(walker, application, tenant, verifier)
    assert claims["access"]["org_id"].startswith("org_")


def test_USR02_an_invitation_leads_through_sign_up(walker: Walker, people: Scene, mailbox: Mailbox) -> None:
    email = people.open["invited"].pop()
    walker.go(mailbox.link(email))
    walker.heading("Join Harbour Works")
    walker.follow("I have no account yet")
    walker.fill("Your name", "Ina Invited")
    walker.fill("E-mail address", email)
    walker.fill("Password", NEW_PASSWORD)
    walker.press("Create account")
    walker.press("Accept and join")
    walker.heading("Welcome to Harbour Works")


def test_OAU19_a_device_is_approved_behind_a_sign_in(walker: Walker, people: Scene) -> None:
    person, tenant = people.somebody(), people.open
    client = {"client_id": tenant["device_client"]}
    asked = httpx.post(f"{tenant['issuer']}/oauth/device/code", data={**client, "scope": "openid"}).json()
    walker.go(asked["verification_uri"])
    walker.sign_in(person)
    walker.fill("Code", asked["user_code"])
    walker.press("Continue")
    walker.heading("Allow Harbour Screen?")
    walker.press("Allow")
    walker.heading("Go back to your device")
    grant = {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "device_code": asked["device_code"],
    }
    tokens = httpx.post(f"{tenant['issuer']}/oauth/token", data={**client, **grant}).json()
    assert tokens["token_type"] == "Bearer"
