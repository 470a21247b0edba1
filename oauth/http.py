"""The doors of machines: form bodies read strictly, OAuth errors, CORS per application (threat B5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from core.errors import NotFound
from core.machine_http import json_response
from core.urls import tenant_slug
from oauth.clients import Client, origins_of
from oauth.errors import InvalidClient, InvalidRequest, InvalidTarget, OAuthError, WrongMethod
from tenants import selectors
from tenants.selectors import TenantRef

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
EXPOSED = "DPoP-Nonce, WWW-Authenticate, Request-Id"  # to scripts (RFC 9449 §8)
View = Callable[..., HttpResponse]


def tenant_of(request: HttpRequest) -> TenantRef:
    """Return the active tenant that the address names; raises NotFound."""
    slug = tenant_slug(request)
    tenant = selectors.by_slug(slug) if slug else None
    if tenant is None or not tenant.is_active:
        raise NotFound
    return tenant


def form_of(request: HttpRequest) -> dict[str, str]:
    """Return the parameters of a form body, each given once (RFC 6749 §3.2).

    Raises WrongMethod, InvalidRequest. An empty value counts as absent, as the RFC says. What stands in the
    address is not read.
    """
    if request.method != "POST":
        raise WrongMethod("POST")
    if request.content_type != "application/x-www-form-urlencoded":
        raise InvalidRequest("Send application/x-www-form-urlencoded.")
    return single(request.POST)


def single(query: Any) -> dict[str, str]:
    """Return a QueryDict's values, each given once. Raises InvalidRequest, InvalidTarget.

    `resource` alone may come again (RFC 8707 §2), but a token has one audience (OAU-22).
    """
    found: dict[str, str] = {}
    for name, values in query.lists():
        if name == "resource" and len(set(values)) > 1:
            raise InvalidTarget("A token is for one resource: ask for each in a request of its own.")
        if name != "resource" and len(values) > 1:
            raise InvalidRequest(f"{name[:40]} is given twice.")
        if "\x00" in values[0]:
            raise InvalidRequest(f"{name[:40]} holds a NUL character.")
        if values[0]:
            found[name] = values[0]
    return found


def answer_json(body: Mapping[str, Any], status: int = 200) -> HttpResponse:
    return json_response(body, status=status, headers=NO_STORE)


def answer_error(error: OAuthError, authorization: str = "") -> HttpResponse:
    """RFC 6749 §5.2; a client that used the Authorization header is told the scheme."""
    response = answer_json({"error": error.error, "error_description": error.detail}, error.status)
    for name, value in error.headers.items():
        response.headers[name] = value
    if isinstance(error, InvalidClient):
        response.headers["WWW-Authenticate"] = 'Basic realm="claviger", charset="UTF-8"'
    return response


def machine(view: View) -> View:
    """Answer OAuth errors of a view in the standard's shape; it takes no cookie and no CSRF token."""

    @wraps(view)
    def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except OAuthError as error:
            return answer_error(error)

    door.csrf_exempt = True  # type: ignore[attr-defined]
    return door


def cross_origin(view: View) -> View:
    """Let registered browser origins call the view (OAU-26).

    A preflight carries no client, so any origin of the tenant passes it; the answer itself is shown only to
    an origin of the client that the view notes in `request.oauth_client`.
    """

    @wraps(view)
    def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        origin = request.headers.get("Origin", "")
        if request.method == "OPTIONS":
            response = HttpResponse(status=204)
            allowed = bool(origin) and origin in origins_of(tenant_of(request))
        else:
            response = view(request, *args, **kwargs)
            client: Client | None = getattr(request, "oauth_client", None)
            allowed = bool(origin) and client is not None and origin in client.origins
        patch_vary_headers(response, ("Origin",))
        if allowed:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = EXPOSED
            if request.method == "OPTIONS":
                response.headers["Access-Control-Allow-Methods"] = "GET, POST"
                response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type, DPoP"
                response.headers["Access-Control-Max-Age"] = "600"
        return response

    door.csrf_exempt = True  # type: ignore[attr-defined]
    return door


def note_client(request: HttpRequest, client: Client | None) -> None:
    request.oauth_client = client  # type: ignore[attr-defined]
