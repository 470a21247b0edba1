"""Which of our languages a person reads: what they chose, what is asked for, what their browser prefers."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.locale import LocaleMiddleware
from django.urls import reverse
from django.utils import translation
from django.utils.translation import get_supported_language_variant

LONGEST = 200
DASHBOARD = "/dashboard/"
_setting_of: Callable[[HttpRequest], str] | None = None


def bind_setting(reader: Callable[[HttpRequest], str]) -> None:
    """Let the app of people answer which language whoever is signed in has chosen, empty for none."""
    global _setting_of
    _setting_of = reader


def first_known(tags: str) -> str:
    """Return our first language among BCP 47 tags separated by spaces, best first; empty for none of them.

    That is the form of `ui_locales` (OpenID Connect Core §3.1.2.1), which never is an error.
    """
    for tag in tags[:LONGEST].split():
        try:
            return get_supported_language_variant(tag.lower())
        except LookupError:
            continue
    return ""


def asked_for(request: HttpRequest, tags: str) -> str:
    """Return what an application's `ui_locales` make the page speak; empty where the person chose here."""
    return "" if settings.LANGUAGE_COOKIE_NAME in request.COOKIES else first_known(tags)


class LanguageMiddleware(LocaleMiddleware):
    """Speaks the person's language on pages; the administrators' dashboard is English.

    A choice made in this browser counts most, then the person's own setting, then Accept-Language. What an
    application asks for (`ui_locales`) stands between the first two: the pages that carry it see to it.
    """

    def process_request(self, request: HttpRequest) -> None:
        if request.path_info.startswith(DASHBOARD):
            language = settings.LANGUAGE_CODE
        else:
            language = _chosen_by(request) or translation.get_language_from_request(request)
        translation.activate(language)
        request.LANGUAGE_CODE = translation.get_language()


def _chosen_by(request: HttpRequest) -> str:
    if settings.LANGUAGE_COOKIE_NAME in request.COOKIES or _setting_of is None:
        return ""
    return first_known(_setting_of(request))


def named(response: HttpResponse) -> HttpResponse:
    """Say in the header which language a page speaks that overrides the request's; inside the override."""
    response.headers["Content-Language"] = translation.get_language() or settings.LANGUAGE_CODE
    return response


def remember(response: HttpResponse, language: str) -> None:
    """Keep a choice in this browser, for a year."""
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=settings.LANGUAGE_COOKIE_AGE,
        secure=settings.SECURE,
        httponly=True,
        samesite="Lax",
    )


def switch(request: HttpRequest) -> dict[str, str]:
    """What the switch on a page needs, as template context; the dashboard has none."""
    from core.urls import own_address

    if request.path_info.startswith(DASHBOARD):
        return {}
    back = own_address(request) if request.method in {"GET", "HEAD"} else ""
    return {"language_url": reverse("language"), "language_back": back}
