"""GET and POST /oauth/end-session (OpenID Connect RP-Initiated Logout 1.0)."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from core import scope
from core.urls import tenant_path
from oauth import clients, hints, redirects
from oauth.bridge import bound
from oauth.clients import Client
from oauth.errors import OAuthError
from oauth.http import single, tenant_of
from tenants import selectors
from tenants.selectors import TenantRef


@csrf_exempt
def end_session(request: HttpRequest) -> HttpResponse:
    """End this browser's session in the tenant and return to the client.

    With an ID token of this very session as hint nothing is asked; without one a page asks (§2, threat O12).
    The identity session goes on, so that other tenants are untouched, unless the person says otherwise.
    """
    tenant = tenant_of(request)
    try:
        parameters = single(request.POST if request.method == "POST" else request.GET)
        hint = hints.read(tenant, parameters["id_token_hint"]) if "id_token_hint" in parameters else {}
    except OAuthError:
        parameters, hint = {}, {}
    client = _client(tenant, parameters, hint)
    back = _return_address(client, parameters)
    signed = bound().signed_in(request, tenant)
    if signed is None:
        return _leave(tenant, back, parameters)
    if hint.get("sid") != signed.session.public_id:
        return _ask(request, tenant, client, back, parameters)
    response = _leave(tenant, back, parameters)
    bound().sign_out(request, response)
    return response


@csrf_protect
def confirm(request: HttpRequest) -> HttpResponse:
    """The person's answer on the page: out of this tenant, or out of everything in this browser."""
    tenant = tenant_of(request)
    parameters = single(request.POST)
    client = clients.find(tenant, parameters.get("client_id", ""))
    response = _leave(tenant, _return_address(client, parameters), parameters)
    if request.method == "POST":
        bound().sign_out(request, response, everywhere=parameters.get("everywhere") == "on")
    return response


def _client(tenant: TenantRef, parameters: dict[str, str], hint: dict[str, Any]) -> Client | None:
    """The client of client_id or of the hint; where both are there they must agree (§2)."""
    hinted = hint.get("aud")
    named = parameters.get("client_id")
    if hinted and named and hinted != named:
        return None
    return clients.find(tenant, str(named or hinted or ""))


def _return_address(client: Client | None, parameters: dict[str, str]) -> str:
    """The post-logout address if it is registered, as an exact string; else none (§3)."""
    wanted = parameters.get("post_logout_redirect_uri", "")
    return wanted if client is not None and wanted in client.post_logout_redirect_uris else ""


def _leave(tenant: TenantRef, back: str, parameters: dict[str, str]) -> HttpResponse:
    if back:
        return redirects.send(back, {"state": parameters.get("state", "")[:2000]}, 303)
    return HttpResponseRedirect(tenant_path(tenant.slug, "signed_out"))


def _ask(
    request: HttpRequest, tenant: TenantRef, client: Client | None, back: str, parameters: dict[str, str]
) -> HttpResponse:
    hidden = {"client_id": client.client_id if client else "", "post_logout_redirect_uri": back}
    hidden["state"] = parameters.get("state", "")[:2000]
    action = tenant_path(tenant.slug, "oauth-end-session-confirm")
    context = {**_branding(tenant), "client": client, "hidden": hidden, "action": action}
    response = render(request, "oauth/sign_out.html", context)
    if back:
        response._csp_update = {"form-action": [redirects.form_target(back)]}  # type: ignore[attr-defined]
    return response


def _branding(tenant: TenantRef) -> dict[str, Any]:
    with scope.tenant(tenant.id):
        row = selectors.tenant()
    return {"tenant": row, "branding": row.branding}
