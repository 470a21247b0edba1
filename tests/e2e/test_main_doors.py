"""The main doors from the application and back to it: in Chromium, in Chromium without scripts, in Firefox."""

from __future__ import annotations

import base64
import secrets
import time
from typing import Any

from django_otp.oath import hotp

from tests.e2e.conftest import Scene
from tests.e2e.mailbox import Mailbox
from tests.e2e.relying_party import RelyingParty
from tests.e2e.walker import Walker

NEW_PASSWORD = "seven green umbrellas at noon"


def code_of(person: dict[str, Any]) -> str:
    """Return what the person's authenticator app shows."""
    return f"{hotp(base64.b32decode(person['totp']), int(time.time()) // 30):06d}"


def come_in(visitor: Walker, application: RelyingParty, tenant: dict[str, Any], verifier: str) -> Any:
    """Consent, and return the claims that the application gets."""
    visitor.heading("Allow Harbour Desk?")
    visitor.press("Allow")
    return application.receive(visitor, tenant, verifier)


def test_a_password_signs_in_once_for_all_and_out(
    anybody: Walker, people: Scene, application: RelyingParty
) -> None:
    person, tenant = people.somebody(), people.open
    verifier = application.send(anybody, tenant)
    anybody.sign_in({**person, "password": "a wrong guess"})
    anybody.sees("The address or the password is not right")
    anybody.fill("Password", person["password"])
    anybody.press("Sign in")
    claims = come_in(anybody, application, tenant, verifier)
    assert (claims["sub"], claims["amr"]) == (person["subject"], ["pwd"])
    again = application.receive(anybody, tenant, application.send(anybody, tenant))
    assert again["sid"] == claims["sid"]
    anybody.go(f"{tenant['issuer']}/oauth/end-session")
    anybody.press("Sign out")
    anybody.heading("You are signed out")
    application.send(anybody, tenant, prompt="login")
    anybody.heading("Sign in")


def test_a_sign_up_is_proved_by_mail(
    anybody: Walker, people: Scene, application: RelyingParty, mailbox: Mailbox
) -> None:
    email, tenant = f"new-{secrets.token_hex(4)}@example.com", people.open
    verifier = application.send(anybody, tenant)
    anybody.follow("Create an account")
    anybody.fill("Your name", "Nora New")
    anybody.fill("E-mail address", email)
    anybody.fill("Password", NEW_PASSWORD)
    anybody.press("Create account")
    anybody.heading("Confirm your address")
    anybody.fill("Six-digit code", mailbox.code(email))
    anybody.press("Confirm")
    assert come_in(anybody, application, tenant, verifier)["email"] == email


def test_an_authenticator_app_is_asked_behind_the_password(
    anybody: Walker, people: Scene, application: RelyingParty
) -> None:
    person, tenant = people.somebody("app"), people.open
    verifier = application.send(anybody, tenant)
    anybody.sign_in(person)
    anybody.heading("Confirm that it is you")
    anybody.fill("Code from your authenticator app", "000000")
    anybody.press("Confirm")
    anybody.sees("did not work")
    anybody.fill("Code from your authenticator app", code_of(person))
    anybody.press("Confirm")
    claims = come_in(anybody, application, tenant, verifier)
    assert claims["amr"] == ["otp", "pwd", "mfa"]
    assert claims["acr"] == "urn:claviger:acr:mfa"


def test_recovery_sets_a_new_password_by_mail(
    anybody: Walker, people: Scene, application: RelyingParty, mailbox: Mailbox
) -> None:
    person, tenant = people.somebody(), people.open
    verifier = application.send(anybody, tenant)
    anybody.fill("E-mail address", person["email"])
    anybody.press("Continue")
    anybody.follow("Forgotten your password?")
    anybody.fill("E-mail address", person["email"])
    anybody.press("Send the mail")
    anybody.heading("Look into your mail")
    anybody.go(mailbox.link(person["email"]))
    anybody.fill("New password", NEW_PASSWORD)
    anybody.press("Save the new password")
    anybody.sees("Your password was changed")
    anybody.sign_in({**person, "password": NEW_PASSWORD})
    assert come_in(anybody, application, tenant, verifier)["sub"] == person["subject"]
