"""The walk of a newcomer: from sign-up in a sample application to single sign-on in another tenant's."""

from __future__ import annotations

import json
import re
import secrets
from typing import Any
from urllib.parse import urlsplit

from embedded.installation import Installation
from tests.e2e.mailbox import Mailbox
from tests.e2e.visitor import Visitor

PASSWORD = "seven green umbrellas at noon"


def sample(tenant: dict[str, Any]) -> str:
    """Return the address of the tenant's sample application."""
    parts = urlsplit(tenant["applications"]["web"]["redirect_uris"][0])
    return f"{parts.scheme}://{parts.netloc}/"


def test_one_person_two_tenants(installation: Installation, mailbox: Mailbox, visitor: Visitor) -> None:
    acme, globex = (installation.demo["tenants"][name] for name in ("acme", "globex"))
    email = f"nora-{secrets.token_hex(4)}@example.com"
    sign_up(visitor, mailbox, sample(acme), email)
    allow(visitor, "consent")
    here = who_am_i(visitor, acme)
    visitor.press("Refresh the tokens")
    visitor.sees("The tokens were refreshed.")
    assert who_am_i(visitor, acme) == here
    there = open_second_application(visitor, globex)
    assert there != here
    sign_out(visitor, acme, globex)


def sign_up(visitor: Visitor, mailbox: Mailbox, address: str, email: str) -> None:
    """Come from the application, make an account, and prove the address with the mailed code."""
    visitor.go(address)
    visitor.follow("Sign in")
    visitor.look("sign-in")
    visitor.follow("Create an account")
    visitor.look("sign-up")
    visitor.fill("Your name", "Nora New")
    visitor.fill("E-mail address", email)
    visitor.fill("Password", PASSWORD)
    visitor.press("Create account")
    visitor.heading("Confirm your address")
    visitor.look("verify")
    visitor.page.locator("input[name=code]").fill(mailbox.code(email))
    visitor.press("Confirm")


def allow(visitor: Visitor, picture: str) -> None:
    visitor.page.get_by_role("button", name="Allow", exact=True).wait_for()
    visitor.look(picture)
    visitor.press("Allow")
    visitor.heading("Hello")


def who_am_i(visitor: Visitor, tenant: dict[str, Any]) -> str:
    """Return the subject that the application shows; the API and the ID token must say the same."""
    subject = visitor.page.locator("#sub").inner_text()
    claims = json.loads(visitor.page.locator("#claims").inner_text())
    assert (claims["sub"], claims["iss"]) == (subject, tenant["issuer"])
    assert json.loads(visitor.page.locator("#me").inner_text())["id"] == subject
    return subject


def open_second_application(visitor: Visitor, tenant: dict[str, Any]) -> str:
    """Go to another tenant's application; return the subject there. No password is asked on the way."""
    asked: list[str] = []
    visitor.page.on("framenavigated", lambda frame: asked.append(urlsplit(frame.url).path))
    visitor.go(sample(tenant))
    visitor.follow("Sign in")
    join = visitor.page.get_by_role("button", name=re.compile("^Continue as"))
    if join.count():
        visitor.look("join")
        join.first.click()
    allow(visitor, "consent-globex")
    assert not [path for path in asked if "password" in path]
    return who_am_i(visitor, tenant)


def sign_out(visitor: Visitor, tenant: dict[str, Any], other: dict[str, Any]) -> None:
    """Sign out of the first application; the other tenant's is untouched."""
    visitor.go(sample(tenant))
    visitor.press("Sign out")
    visitor.heading("Welcome")
    visitor.go(sample(other))
    visitor.heading("Hello")
