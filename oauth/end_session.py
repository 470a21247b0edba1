"""GET and POST /oauth/end-session (OpenID Connect RP-Initiated Logout 1.0)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST

from core import languages
from core.urls import tenant_path
from oauth import clients, hints, redirects
from oauth.bridge import bound
from oauth.clients import Client
from oauth.errors import OAuthError
from oauth.http import single, tenant_of
from tenants.face import face_of
from tenants.selectors import TenantRef

PARAMETERS = (
    "id_token_hint", "logout_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales",
)  # fmt: skip
LONGEST_STATE = 2000


@dataclass(frozen=True)
class Wish:
    """A checked logout request. `back` is a registered address or empty; `hint` the claims of a good hint."""

    client: Client | None = None
    hint: Mapping[str, Any] = field(default_factory=dict)
    logout_hint: str = ""
    back: str = ""
    is_astray: bool = False  # it names an address that is not registered
    state: str = ""
    language: str = ""

    def is_for(self, signed: Any) -> bool:
        """Whether the hint proves that this very session is meant; without proof the person is asked (§2)."""
        session, member = signed.session.public_id, signed.member
        if self.logout_hint and self.logout_hint not in (session, member.subject, member.email):
            return False
        return bool(self.hint) and self.hint.get("sid") == session and not self.is_astray


@csrf_exempt
@require_http_methods(["GET", "POST"])
def end_session(request: HttpRequest) -> HttpResponse:
    """End this browser's session in the tenant and return to the client.

    With an ID token of this very session as hint nothing is asked; without one a page asks (§2, threat O12).
    The identity session goes on, so that other tenants are untouched, unless the person says otherwise.
    """
    tenant = tenant_of(request)
    if request.method == "POST":
        return _as_get(tenant, request)
    wish = _read(tenant, request.GET)
    signed = bound().signed_in(request, tenant)
    if signed is None:
        return _leave(tenant, wish)
    if not wish.is_for(signed):
        return _ask(request, tenant, wish, signed)
    response = _leave(tenant, wish)
    bound().sign_out(request, response)
    return response


@csrf_protect
@require_POST
def confirm(request: HttpRequest) -> HttpResponse:
    """The person's answer on the page: out of this tenant, or out of everything in this browser."""
    tenant = tenant_of(request)
    response = _leave(tenant, _read(tenant, request.POST))
    bound().sign_out(request, response, everywhere=request.POST.get("everywhere") == "on")
    return response


def _as_get(tenant: TenantRef, request: HttpRequest) -> HttpResponse:
    """§2 asks for POST too. A form of another site brings no SameSite cookie; the GET after it does."""
    named = [(name, value) for name in PARAMETERS for value in request.POST.getlist(name)]
    query = urlencode(named)
    address = tenant_path(tenant.slug, "oauth-end-session")
    response = HttpResponseRedirect(f"{address}?{query}" if len(query) <= 16_000 else address)
    response.status_code = 303
    return response


def _read(tenant: TenantRef, query: Any) -> Wish:
    """Read a request. One that is wrong in any part says nothing: it proves no session and leads nowhere."""
    try:
        given = single(query)
        hint = hints.read(tenant, given["id_token_hint"]) if "id_token_hint" in given else {}
        client = _client(tenant, given.get("client_id", ""), hint)
    except OAuthError:
        return Wish()
    wanted = given.get("post_logout_redirect_uri", "")
    back = wanted if client is not None and wanted in client.post_logout_redirect_uris else ""
    return Wish(
        client=client,
        hint=hint,
        logout_hint=given.get("logout_hint", ""),
        back=back,
        is_astray=bool(wanted) and not back,
        state=given.get("state", "")[:LONGEST_STATE],
        language=languages.first_known(given.get("ui_locales", "")),
    )


def _client(tenant: TenantRef, named: str, hint: Mapping[str, Any]) -> Client | None:
    """Return the client of client_id or of the hint. Raises where they differ, or it is not there (§2)."""
    hinted = str(hint.get("aud", ""))
    if named and hinted and named != hinted:
        raise hints.NotOurs
    client = clients.find(tenant, named or hinted)
    if client is None and (named or hinted):
        raise hints.NotOurs
    return client


def _leave(tenant: TenantRef, wish: Wish) -> HttpResponse:
    """§3: back to the registered address with the state, else to our own page."""
    if wish.back:
        return redirects.send(wish.back, {"state": wish.state}, 303)
    return HttpResponseRedirect(tenant_path(tenant.slug, "signed_out"))


def _ask(request: HttpRequest, tenant: TenantRef, wish: Wish, signed: Any) -> HttpResponse:
    client = wish.client
    face = face_of(tenant.id, signed.organization_id)
    context = {
        "tenant": face,
        "branding": face.branding,
        "client": client,
        "member": signed.member,
        "is_astray": wish.is_astray,
        "hidden": {
            "client_id": client.client_id if client else "",
            "post_logout_redirect_uri": wish.back,
            "state": wish.state,
        },
        "action": tenant_path(tenant.slug, "oauth-end-session-confirm"),
    }
    with translation.override(wish.language or translation.get_language()):
        response = languages.named(render(request, "oauth/sign_out.html", context))
    if wish.back:
        response._csp_update = {"form-action": [redirects.form_target(wish.back)]}  # type: ignore[attr-defined]
    return response
