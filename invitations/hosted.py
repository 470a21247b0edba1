"""The page behind the mailed link, `/invitation?token=…` under the tenant's issuer.

The link says which invitation; who the person is, their sign-in says. It opens short scopes itself:
first the tenant's, then the account's, then the tenant's again.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render

from core import scope
from core.errors import Gone, NotFound
from core.urls import tenant_path, tenant_slug
from identity import browser
from identity import selectors as people
from identity.emails import parse
from identity.sessions import SessionRef
from invitations import selectors, services
from invitations.models import Invitation
from tenants import selectors as tenants
from tenants.face import face_of
from tenants.selectors import TenantRef


def invitation(request: HttpRequest) -> HttpResponse:
    """GET shows what is offered and who must sign in; POST accepts or declines it."""
    tenant = hosted_tenant(request)
    if request.method == "POST":
        return decided(request, tenant)
    if request.method != "GET":
        return HttpResponseNotAllowed(["GET", "POST"])
    token = request.GET.get("token", "")
    with scope.tenant(tenant.id):
        found = services.find(token)
        offer = described(found)
    session = browser.account_session(request)
    owned = verified_addresses(session)
    matches = any(parse(address).canonical == offer["canonical"] for address in owned)
    shown = {
        **offer,
        **links(tenant, token, offer["email"]),
        "token": token,
        "session": session,
        "matches": matches,
    }
    return render(request, "invitations/accept.html", shown)


def decided(request: HttpRequest, tenant: TenantRef) -> HttpResponse:
    """Accept or decline. Everything that matters is asked again inside the service's transaction."""
    token = request.POST.get("token", "")
    if request.POST.get("act") == "decline":
        with scope.tenant(tenant.id):
            services.decline(token=token)
        return see_other(tenant_path(tenant.slug, "invitation_declined"))
    session = browser.account_session(request)
    if session is None:
        return see_other(links(tenant, token, "")["sign_in_url"])
    owned = verified_addresses(session)
    with scope.tenant(tenant.id):
        services.accept(
            account_id=session.account_id, emails_verified=owned, token=token, name=session.account_name
        )
    return see_other(tenant_path(tenant.slug, "invitation_accepted"))


def accepted(request: HttpRequest) -> HttpResponse:
    return outcome(request, "invitations/accepted.html")


def declined(request: HttpRequest) -> HttpResponse:
    return outcome(request, "invitations/declined.html")


def outcome(request: HttpRequest, template: str) -> HttpResponse:
    tenant = hosted_tenant(request)
    face = face_of(tenant.id)
    shown = {"tenant": face, "branding": face.branding, "dashboard": f"/dashboard/{tenant.slug}/"}
    return render(request, template, shown)


def hosted_tenant(request: HttpRequest) -> TenantRef:
    slug = tenant_slug(request)
    tenant = tenants.by_slug(slug) if slug else None
    if tenant is None:
        raise NotFound
    if not tenant.is_active:
        raise Gone
    return tenant


def described(found: Invitation) -> dict[str, Any]:
    """Return what the page says; only the holder of the mail sees it."""
    face = face_of(found.tenant_id, found.organization_id)
    return {
        "tenant": face,
        "branding": face.branding,
        "email": found.email,
        "canonical": found.email_search,
        "organization": found.organization.name if found.organization else "",
        "inviter": found.inviter.name if found.inviter else "",
        "roles": [role.name for role in selectors.roles_of(found)],
        "expires_at": found.expires_at,
    }


def verified_addresses(session: SessionRef | None) -> list[str]:
    """Return the addresses that the signed-in person has proved."""
    if session is None:
        return []
    with scope.account(session.account_id):
        return [row.address for row in people.emails(session.account_id)]


def links(tenant: TenantRef, token: str, email: str) -> dict[str, str]:
    """Return where to sign in or up, coming back to this page."""
    back = f"{tenant_path(tenant.slug, 'invitation')}?{urlencode({'token': token})}"
    query = urlencode({"next": back, "login_hint": email})
    again = urlencode({"next": back, "login_hint": email, "prompt": "select_account"})
    return {
        "sign_in_url": f"/t/{tenant.slug}/sign-in?{query}",
        "sign_up_url": f"/t/{tenant.slug}/sign-up?{query}",
        "another_url": f"/t/{tenant.slug}/sign-in?{again}",
    }


def see_other(address: str) -> HttpResponse:
    response = HttpResponseRedirect(address)
    response.status_code = 303
    return response
