"""What server-rendered pages share: template context, CSRF refusal, safe return addresses."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from core import doors, languages
from core.errors import Problem
from core.urls import own_address

# Pages with a form: for `require_http_methods`.
READ_WRITE = ["GET", "HEAD", "POST"]


def words_of(problem: Problem) -> str:
    """Return what a refusal says to the person at a form, in their language."""
    return f"{_(problem.title)}. {_(problem.detail)}"


class MessageCookies(CookieStorage):
    """Messages for the next page, in a signed cookie: they need no server-side session."""

    cookie_name = f"{settings.COOKIE_PREFIX}messages"


class CsrfRejected(Problem):
    code, status, simple = "csrf_rejected", 403, "forbidden"
    title = "This form could not be checked"
    fix = (
        "The page was open for long, or your browser keeps no cookies of this site. Nothing was changed."
        " Load the page again and send the form once more."
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return doors.refusal(request, CsrfRejected(again=own_address(request)))


def context(request: HttpRequest) -> dict[str, Any]:
    return {
        "request_id": getattr(request, "request_id", ""),
        "product": "Claviger",
        "version": settings.VERSION,
        "environment": settings.ENVIRONMENT,
        **languages.switch(request),
    }


def safe_next(target: str, fallback: str) -> str:
    """Return `target` if it is a path on our own origin, else `fallback` (threat L9).

    Nothing is parsed. Backslashes and control characters are refused: browsers read `/\\host` as `//host`.
    """
    is_path = target.startswith("/") and not target.startswith("//")
    is_plain = all(ord(character) >= 33 and ord(character) != 127 for character in target)
    return target if is_path and is_plain and "\\" not in target else fallback
