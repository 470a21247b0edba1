"""What every request passes through: context, transport, problems, headers, CSRF.

None of it opens a database scope; the door that answers does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import BadRequest, DisallowedHost, RequestDataTooBig, SuspiciousOperation
from django.db import DataError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponsePermanentRedirect
from django.http.multipartparser import MultiPartParserError
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.cache import patch_vary_headers
from psycopg_pool import PoolTimeout

from core import context, doors, exposure, ids, pools
from core.errors import (
    HttpsRequired,
    InternalError,
    MalformedRequest,
    OnlyForms,
    PayloadTooLarge,
    Problem,
    Unavailable,
)
from core.machine_http import put_header
from core.network import client_address
from core.urls import own_address

log = structlog.get_logger(__name__)
Handler = Callable[[HttpRequest], HttpResponse]
SECURITY_HEADERS = (
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), microphone=(), geolocation=()"),
    ("Cache-Control", "no-store"),
    (
        "Content-Security-Policy",
        "default-src 'none'; frame-ancestors 'none'",
    ),  # for answers that are no pages
)

_SECURITY_HEADERS = tuple((pair[0].lower(), pair) for pair in SECURITY_HEADERS)


def is_secure(environ: Mapping[str, Any]) -> bool:
    """Whether the client spoke https to us or to a trusted proxy."""
    if settings.TRUSTED_PROXIES:
        proto: str = environ.get("HTTP_X_FORWARDED_PROTO", "")
        return proto.rsplit(",", maxsplit=1)[-1].strip() == "https"
    return environ.get("wsgi.url_scheme") == "https"


def transport_headers() -> tuple[tuple[str, str], ...]:
    """Return the headers that bind browsers to https (RFC 6797), none on plain http."""
    if not settings.SECURE_HSTS_SECONDS:
        return ()
    return (("Strict-Transport-Security", f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains"),)


def host_is_ours(request: HttpRequest) -> bool:
    """Whether the Host header names a host of ours; links never follow it, but caches might (threat L3)."""
    if request.META.get("HTTP_HOST") == settings.NETLOC:
        return True
    try:
        request.get_host()
    except DisallowedHost:
        return False
    return True


class RequestContextMiddleware:
    """Gives the request its id and client, and writes the id into every answer."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        known = context.RequestContext(
            request_id=ids.new_request_id(),
            ip=client_address(request.META),
            user_agent=request.META.get("HTTP_USER_AGENT", "")[:300],
        )
        request.request_id = known.request_id  # type: ignore[attr-defined]
        with context.use(known):
            response = self.get_response(request)
        put_header(response, "Request-Id", known.request_id)
        return response


class TransportMiddleware:
    """On an https installation, plain http gets a redirect on pages and a refusal at the API (API-10)."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        probe = doors.is_probe(request.path_info)
        if not probe and not host_is_ours(request):
            return doors.refusal(request, MalformedRequest("This host is not served here."))
        if not settings.SECURE or probe or is_secure(request.META):
            response = self.get_response(request)
        elif doors.is_machine(request.path_info) or request.method not in {"GET", "HEAD"}:
            exposure.report(request)
            return doors.refusal(request, HttpsRequired())
        else:
            return HttpResponsePermanentRedirect(settings.ORIGIN + own_address(request))
        for name, value in transport_headers():
            response.headers[name] = value
        return response


class ProblemMiddleware:
    """Turns what a view raised into the door's own form; nothing internal leaves."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return doors.refusal(request, as_problem(error))


# What PostgreSQL says of a value that no column takes: too long, out of range, no date, no text. None is said by the
# driver, of NUL.
UNFIT = {"22001", "22003", "22007", "22008", "22021", "22P02", "22P05", None}


def as_problem(error: Exception) -> Problem:
    """Return the problem that an exception means to the caller; unknown ones are logged and hidden."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, RequestDataTooBig):
        return PayloadTooLarge()
    if isinstance(error, (SuspiciousOperation, BadRequest, MultiPartParserError, UnicodeDecodeError)):
        return MalformedRequest()
    if isinstance(error, DataError) and getattr(error.__cause__, "sqlstate", None) in UNFIT:
        log.error("input reached the database", exc_info=error)  # ours to mend: refuse it before
        return MalformedRequest()
    if isinstance(error, (OperationalError, InterfaceError, PoolTimeout)):
        log.warning("database unavailable", error=str(error)[:300])
        if pools.is_lost(error):
            pools.heal()
        return Unavailable()
    log.error("unhandled", exc_info=error)
    return InternalError()


class OnlyFormsMiddleware:
    """Gives words to Django's empty answer where somebody opens an address that only takes forms (AUT-20)."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if isinstance(response, HttpResponseNotAllowed) and not response.content:
            return doors.refusal(request, OnlyForms(headers={"Allow": response.headers["Allow"]}))
        return response


class SecurityHeadersMiddleware:
    """no-referrer, nosniff, no framing, and no caching of anything but static files (threats B2, B4)."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        stored = response.headers._store  # `setdefault` would check these same constants on every answer
        for key, pair in _SECURITY_HEADERS:
            stored.setdefault(key, pair)
        return response


class CsrfMiddleware(CsrfViewMiddleware):
    """Django's double-submit token, and an Origin check on every cookie-borne change (threat B1).

    Our pages send no referrer, so browsers write `Origin: null` on their own forms; there Sec-Fetch-Site,
    which no page can set, says whether the form was ours.
    """

    def process_view(self, request, callback, args, kwargs):  # type: ignore[no-untyped-def]
        exempt = getattr(callback, "csrf_exempt", False) or request.method in {"GET", "HEAD", "OPTIONS"}
        if not exempt and request.headers.get("Sec-Fetch-Site") in {"cross-site", "same-site"}:
            return self._reject(request, "Cross-site request.")  # type: ignore[attr-defined]
        return super().process_view(request, callback, args, kwargs)

    def _origin_verified(self, request):  # type: ignore[no-untyped-def]
        origin = request.headers.get("Origin")
        if origin == "null":
            return request.headers.get("Sec-Fetch-Site") == "same-origin"
        return origin == settings.ORIGIN

    def process_response(self, request, response):  # type: ignore[no-untyped-def]
        response = super().process_response(request, response)
        if settings.CSRF_COOKIE_NAME in response.cookies:
            patch_vary_headers(response, ("Cookie",))
        return response
