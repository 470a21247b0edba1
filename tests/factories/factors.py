"""People with a second factor, and what they type and touch."""

from __future__ import annotations

import base64
import html
import re
import time
from typing import Any

from django_otp.oath import hotp

from core import scope
from identity import passkeys, recovery_codes, totp
from tests.factories.authenticator import Authenticator
from tests.factories.browser import Browser, csrf_of, path_of
from tests.factories.people import Person

PASSWORD = "urn:claviger:acr:pwd"
MFA = "urn:claviger:acr:mfa"
PHR = "urn:claviger:acr:phr"


def code_of(key: bytes, ahead: int = 0) -> str:
    """The code of an authenticator app, now or `ahead` steps of 30 s from now."""
    return f"{hotp(key, int(time.time()) // 30 + ahead):06d}"


def add_totp(person: Person) -> bytes:
    """Give a person an authenticator app, whose code of this very step is still unused."""
    offer = totp.offer(account_id=person.account_id, label=person.email)
    with scope.account(person.account_id):
        code = code_of(offer.key, -1)
        totp.enrol(account_id=person.account_id, sealed=offer.sealed, code=code, name="Phone")
    return offer.key


def add_passkey(person: Person, name: str = "Laptop", **options: bool) -> Authenticator:
    device, site = Authenticator(**options), passkeys.here()
    asked = passkeys.offer(
        account_id=person.account_id, label=person.email, name="", site=site, bound_to="factory"
    )
    passkeys.register(
        account_id=person.account_id, answer=device.create(asked), name=name, site=site, bound_to="factory"
    )
    return device


def add_recovery_codes(person: Person) -> list[str]:
    with scope.account(person.account_id):
        return recovery_codes.generate(account_id=person.account_id)


def use_passkey(browser: Browser, page: Any, device: Authenticator, **wrong: Any) -> Any:
    """Let the page's passkey form ask, and post what the authenticator answers."""
    form = re.search(r"<form\b[^>]*data-passkey[^>]*>", page.content.decode())
    assert form, page.content.decode()[:3000]
    attributes = {name: html.unescape(value) for name, value in re.findall(r'([\w-]+)="([^"]*)"', form[0])}
    token = csrf_of(page)
    options = browser.post(path_of(attributes["data-options"]), {}, headers={"X-CSRFToken": token})
    assert options.status_code == 200, options.content
    act = device.create if attributes["data-passkey"] == "create" else device.get
    answer = act(options.content.decode(), **wrong)
    to = attributes.get("action", "") or page.requested_path
    return browser.submit(
        page, {"credential": answer, **({"name": "Laptop"} if "create" in form[0] else {})}, to=to
    )


def enrol_app(browser: Browser) -> Any:
    """Set up an authenticator app on the pages; returns the answer, with the recovery codes."""
    where = "/account/authenticators/app"
    page = browser.follow(browser.get(where))
    key = re.search(r"\b([A-Z2-7]{4}(?: [A-Z2-7]{4}){7})\b", page.content.decode())
    assert key, page.content.decode()
    return browser.submit(page, {"code": code_of(base64.b32decode(key[1].replace(" ", "")))}, to=where)
