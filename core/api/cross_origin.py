"""Which browser origins may read answers of `/v1` (OAU-26, threat B5): those that an application registered.

A preflight carries no credential, so any origin of the tenant that the address names passes it. An answer is shown
to an origin of the caller's own application; a refusal that came before the caller was known, to any origin of
the tenant, because the application must see that its token has run out. API keys belong to no application, so
no browser reads what a key was answered.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from core import ports
from core.principal import Principal
from core.urls import tenant_slug

ALLOWED = (
    "Authorization, Content-Type, DPoP, Idempotency-Key, If-Match, If-None-Match, Api-Version, traceparent"
)
EXPOSED = (
    "Request-Id, Api-Version, ETag, Link, Location, RateLimit, RateLimit-Policy, Retry-After,"
    " Idempotent-Replayed, WWW-Authenticate, DPoP-Nonce"
)
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE",
    "Access-Control-Allow-Headers": ALLOWED,
    "Access-Control-Max-Age": "600",
}


def show(request: HttpRequest, response: HttpResponse, caller: Principal | None) -> None:
    """Let the origin of a request read its answer, where it is registered; for a preflight, let it ask."""
    origin = request.META.get("HTTP_ORIGIN", "")
    if not origin:
        return
    patch_vary_headers(response, ("Origin",))
    if origin not in _known(request, caller):
        return
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Expose-Headers"] = EXPOSED
    if request.method == "OPTIONS":
        for name, value in PREFLIGHT.items():
            response.headers[name] = value


def _known(request: HttpRequest, caller: Principal | None) -> frozenset[str]:
    if caller is not None:
        return (
            ports.browsers.origins(caller.tenant_slug, caller.client_id) if caller.client_id else frozenset()
        )
    slug = tenant_slug(request)
    return ports.browsers.origins(slug) if slug else frozenset()
