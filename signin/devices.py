"""The browser as sign-in knows it: a value that binds flows to it, and marks of who signed in there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from core import secrets
from identity.browser import set_cookie
from identity.emails import Address

LIFETIME = timedelta(days=365)
KEPT = 5


@dataclass(frozen=True)
class Browser:
    """`value` is the cookie's 256 random bits; `marks` name, unreadably, who signed in here before."""

    value: str
    is_new: bool
    marks: tuple[str, ...] = ()

    @cached_property
    def digest(self) -> str:
        return secrets.fingerprint(self.value, "signin.browser")

    @cached_property
    def digests(self) -> list[str]:
        return secrets.fingerprints(self.value, "signin.browser")

    def mark(self, address: Address) -> str:
        """The mark that a sign-in with this address leaves; nobody can make one without the pepper."""
        return secrets.fingerprint(f"{self.value}:{address.canonical}", "signin.device").split("$")[1][:32]

    def knows(self, address: Address) -> bool:
        return self.mark(address) in self.marks


def _name(cookie: str) -> str:
    return f"{settings.COOKIE_PREFIX}{cookie}"


def of(request: HttpRequest) -> Browser:
    """Return this browser, with a fresh value where it has none; `keep` stores that."""
    value = request.COOKIES.get(_name("browser"), "")
    marks = tuple(request.COOKIES.get(_name("devices"), "").split(".")[:KEPT])
    known = 40 <= len(value) <= 50 and value.isascii()
    return Browser(value, False, marks) if known else Browser(secrets.new_token(), True)


def keep(response: HttpResponse, browser: Browser) -> HttpResponse:
    if browser.is_new:
        set_cookie(response, _name("browser"), browser.value, expires=timezone.now() + LIFETIME)
    return response


def recognise(response: HttpResponse, browser: Browser, address: Address) -> None:
    """Leave the mark of a successful sign-in: guessing by strangers elsewhere no longer slows this device."""
    mark = browser.mark(address)
    marks = [mark, *(known for known in browser.marks if known and known != mark)][:KEPT]
    set_cookie(response, _name("devices"), ".".join(marks), expires=timezone.now() + LIFETIME)
