"""Public documents answered in front of Django, from bytes that are known beforehand.

A route is the function that the Django view shows too, so no rule stands twice. It says only what this
process remembers; everything else (an unknown tenant, a foreign host, plain http where https is due,
another method) goes the whole way and is answered or refused there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.http.request import split_domain_port, validate_host

from core import ids
from core.middleware import SECURITY_HEADERS, is_secure, transport_headers

Environ = dict[str, Any]
KIND = "application/json"


@dataclass(frozen=True)
class Document:
    """A body with its entity tag, and the headers of its answers."""

    body: bytes
    etag: str
    headers: tuple[tuple[str, str], ...] = ()

    def is_held(self, if_none_match: str) -> bool:
        """Whether the caller holds this very document already (RFC 9110 §13.1.2)."""
        return self.etag in if_none_match


Route = Callable[[str], Document | None]
_routes: dict[str, Route] = {}


def serves(*paths: str) -> Callable[[Route], Route]:
    """Answer GET and HEAD of these paths beneath a tenant with the document that the function remembers.

    It gets the slug and must not touch the database; None sends the request on to Django.
    """

    def register(route: Route) -> Route:
        _routes.update(dict.fromkeys(paths, route))
        return route

    return register


# Browsers ask before they send a header of their own, such as MCP-Protocol-Version: all of it is public.
PREFLIGHT = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Max-Age": "600",
}


def public(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Mark the view of a document: it reads no cookie, so another method is 405 and not a CSRF check."""
    view.csrf_exempt = True  # type: ignore[attr-defined]
    return view


def respond(request: HttpRequest, document: Document) -> HttpResponse:
    """Answer a request that came the whole way."""
    if request.method == "OPTIONS":
        return HttpResponse(status=204, headers=PREFLIGHT)
    if request.method not in {"GET", "HEAD"}:
        return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
    if document.is_held(request.headers.get("If-None-Match", "")):
        response: HttpResponse = HttpResponseNotModified()
    else:
        response = HttpResponse(document.body, content_type=KIND)
    for name, value in (("ETag", document.etag), *document.headers):
        response.headers[name] = value
    return response


class Front:
    """The WSGI application that looks for a remembered document before it asks Django."""

    def __init__(self, application: Callable[[Environ, Any], Iterable[bytes]]) -> None:
        self.application = application

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        document = remembered(environ)
        if document is None:
            return self.application(environ, start_response)
        headers = [("ETag", document.etag), *document.headers, ("Request-Id", ids.new_request_id())]
        given = {name for name, _ in document.headers}
        headers += [pair for pair in (*SECURITY_HEADERS, *transport_headers()) if pair[0] not in given]
        if document.is_held(environ.get("HTTP_IF_NONE_MATCH", "")):
            start_response("304 Not Modified", headers)
            return [b""]
        start_response("200 OK", [("Content-Type", KIND), *headers])
        return [document.body]


def remembered(environ: Environ) -> Document | None:
    """Return the document of an ordinary request, None for all that Django must see."""
    route = _routes.get(environ.get("PATH_INFO", ""))
    slug = environ.get("claviger.tenant")
    if route is None or slug is None or environ.get("REQUEST_METHOD") not in {"GET", "HEAD"}:
        return None
    domain, _ = split_domain_port(environ.get("HTTP_HOST", ""))
    if not domain or not validate_host(domain, settings.ALLOWED_HOSTS):
        return None
    if settings.SECURE and not is_secure(environ):
        return None
    return route(slug)
