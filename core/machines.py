"""The way of programs: the API, the protocol endpoints and the probes, without what only pages need.

The same middleware for context, transport and headers as on the way of pages, but none of cookies, languages
and messages, and no signal at the start and end of each request. A view that has not declared itself free of
CSRF goes the way of pages for anything but reading (threat B1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse

from core import doors
from core.errors import NotFound
from core.machine_http import MachineRequest
from core.middleware import (
    RequestContextMiddleware,
    SecurityHeadersMiddleware,
    TransportMiddleware,
    as_problem,
)
from core.postgres.base import give_back
from core.routes import resolve

Environ = dict[str, Any]
READING = frozenset({"GET", "HEAD", "OPTIONS"})


class Machines:
    """The WSGI application that answers programs and leaves people to `application`."""

    def __init__(self, application: Callable[[Environ, Any], Iterable[bytes]]) -> None:
        self.application = application

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        if not takes(environ["PATH_INFO"], environ["REQUEST_METHOD"]):
            return self.application(environ, start_response)
        try:
            response = respond(MachineRequest(environ))
        finally:
            give_back()
        start_response(
            f"{response.status_code} {response.reason_phrase}", list(response.headers._store.values())
        )
        return response if response.streaming else [response.content]


def takes(path: str, method: str) -> bool:
    """Whether a request goes this way: a program's address, and no CSRF check due."""
    if not doors.is_machine(path):
        return False
    return method in READING or not _needs_csrf(path)


def _needs_csrf(path: str) -> bool:
    try:
        return not getattr(resolve(path).func, "csrf_exempt", False)
    except Http404:
        return False


def respond(request: HttpRequest) -> HttpResponse:
    """Answer a program's request; whatever its view raises becomes a refusal in the door's own form."""
    return _chain()(request)


@cache
def _chain() -> Callable[[HttpRequest], HttpResponse]:
    return RequestContextMiddleware(TransportMiddleware(SecurityHeadersMiddleware(_answer)))


def _answer(request: HttpRequest) -> HttpResponse:
    try:
        found = resolve(request.path_info)
        request.resolver_match = found
        response: HttpResponse = found.func(request, *found.args, **found.kwargs)
        if callable(getattr(response, "render", None)):
            response = response.render()  # type: ignore[attr-defined]
    except Http404:
        return doors.refusal(request, NotFound())
    except Exception as error:  # noqa: BLE001 — the outermost frame: nothing internal leaves
        return doors.refusal(request, as_problem(error))
    return response
