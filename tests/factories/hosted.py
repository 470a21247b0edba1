"""A person at the hosted pages: signing in and up, and reading the mail that comes."""

from __future__ import annotations

import hashlib
import itertools
import re
import secrets
from typing import Any

from django.conf import settings
from django.test import override_settings

from core import jobs
from identity import methods
from identity.browser import cookie_name
from mail import mailbox
from signin import entry
from tenants.models import Member
from tenants.selectors import TenantRef
from tests.factories.browser import Browser, path_of
from tests.factories.people import PASSWORD, Person

NEW_PASSWORD = "seven green umbrellas at noon"


def elsewhere() -> Browser:
    """A browser in a network of its own, so that the limits of one network do not couple tests."""
    a, b, c = secrets.token_bytes(3)
    return Browser(REMOTE_ADDR=f"10.{a}.{b}.{c}")


def prefix(tenant: TenantRef | None) -> str:
    return f"/t/{tenant.slug}" if tenant else ""


def sign_in(
    browser: Browser,
    tenant: TenantRef | None,
    email: str,
    password: str = PASSWORD,
    *,
    query: str = "",
    **more: Any,
) -> Any:
    """Go through both steps; returns the answer to the password, not yet followed."""
    page = browser.follow(browser.get(f"{prefix(tenant)}/sign-in{query}"))
    asked = browser.follow(browser.submit(page, {"email": email}))
    if asked.status_code != 200:
        return asked
    return browser.submit(asked, {"password": password, **work(asked), **more})


def guess(browser: Browser, tenant: TenantRef, email: str, password: str) -> Any:
    """Post address and password without looking at the pages, as a program that guesses does.

    Returns the answer to the password, or to the address where that was refused. It costs half of `sign_in`.
    """
    token = secrets.token_hex(16)
    browser.cookies[settings.CSRF_COOKIE_NAME] = token
    asked = browser.send_form(f"{prefix(tenant)}/sign-in", {"email": email, "csrfmiddlewaretoken": token})
    if asked.status_code != 303:
        return asked
    onward = path_of(asked.headers["Location"])
    return browser.send_form(onward, {"password": password, "csrfmiddlewaretoken": token})


def at_home(person: Person) -> Browser:
    """A browser with the session that a password opens, for tests of what comes after signing in.

    It costs a tenth of the way through the hosted pages; no device is remembered.
    """
    opened = entry.open_session(
        account_id=person.account_id, remember=False, present=None, method=methods.PASSWORD
    )
    browser = Browser()
    browser.cookies[cookie_name()] = opened.value
    return browser


def work(page: Any) -> dict[str, str]:
    """Do the work that a form asks of a browser, as its script does."""
    found = re.search(r'data-challenge="(\w+)" data-bits="(\d+)"', page.content.decode())
    if found is None:
        return {}
    nonce, bits = found[1].encode(), int(found[2])
    for number in itertools.count():
        digest = hashlib.sha256(b"%b:%d" % (nonce, number)).digest()
        if int.from_bytes(digest[:4], "big") >> (32 - bits) == 0:
            return {"solution": str(number)}
    raise AssertionError


def leads_on(response: Any) -> bool:
    """Whether a form sent twice only sends the person on: it opened nothing anew."""
    onward = response.status_code == 303 and "/sign-in/continue" in response.headers["Location"]
    return onward and cookie_name() not in response.cookies


def sign_up(
    browser: Browser, tenant: TenantRef | None, email: str, *, password: str = NEW_PASSWORD, query: str = ""
) -> Any:
    """Fill in the sign-up form; returns the answer, followed."""
    page = browser.get(f"{prefix(tenant)}/sign-up{query}")
    filled = {"name": "Nora New", "email": email, "new_password": password}
    return browser.follow(browser.submit(page, filled))


def member_of(person: Person) -> Member:
    assert person.member is not None
    return person.member


def mails_to(email: str) -> list[dict[str, Any]]:
    """Let the promised mail leave and return what this address got, newest first."""
    with override_settings(EMAIL_BACKEND="mail.mailbox.MailboxBackend"):  # Django's test set-up replaced it
        while jobs.run_due():
            pass
    return [mail for mail in mailbox.every() if email in mail["to"]]


def code_in(mail: dict[str, Any]) -> str:
    found = re.search(r"^\s+(\d{6})$", mail["text"], re.M)
    assert found, mail["text"]
    return found[1]


def link_in(mail: dict[str, Any]) -> str:
    """The path and query of the mail's first link."""
    return path_of(mail["links"][0])
