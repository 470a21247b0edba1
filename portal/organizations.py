"""Organizations over all services: which ones, switching, leaving, and invitations that wait (POR-05, TEN-13)."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import scope
from core.errors import NotFound, Problem
from core.lookups import id_or_missing
from core.pages import READ_WRITE, words_of
from core.urls import tenant_path
from identity import selectors as people
from invitations import own as invitations
from invitations.models import Invitation
from oauth.models import Application
from organizations import selectors as organizations
from organizations import services
from organizations.models import Membership, Organization
from portal.departures import principal_of
from portal.frame import Own, own_page, places
from roles import authority
from tenants import selectors
from tenants.models import Member, Tenant, TenantSession

Found = tuple[Tenant, Member, Organization]


@require_safe
@own_page
def organization_list(own: Own) -> HttpResponse:
    """The services that the person is in, their organizations in each, and what waits for their addresses."""
    rows = [_place(own, *place) for place in places(own)]
    return own.render("organizations", rows=rows, invitations=invitations.waiting(_addresses(own)))


def _place(own: Own, tenant: Tenant, member: Member) -> dict[str, Any]:
    with scope.tenant(tenant.id):
        mine = list(organizations.organizations_of(member))
        here = _session(own, member)
        held = {one.id: authority.roles_of(member.id, one.id) for one in mine}
        administers = bool(authority.permissions_of(member.id)) or any(
            authority.permissions_of(member.id, one.id) for one in mine
        )
        applications = list(Application.objects.filter(disabled_at=None).exclude(initiate_login_uri=""))
    ref = selectors.by_id(tenant.id)
    return {
        "tenant": tenant,
        "member": member,
        "organizations": [{"row": one, "roles": held[one.id], "is_here": here == one.id} for one in mine],
        "dashboard_url": f"/dashboard/{tenant.slug}/" if administers and member.is_active else "",
        "applications": [_start(row, ref.issuer) for row in applications if ref and member.is_active],
    }


def _session(own: Own, member: Member) -> uuid.UUID | None:
    """Return the organization in which this sign-in works there now."""
    live = TenantSession.objects.filter(
        member=member, identity_session_id=own.session.id, ended_at=None
    ).order_by("-id")
    return live.values_list("organization_id", flat=True).first()


def _start(row: Application, issuer: str) -> dict[str, str]:
    """Return an application with the address at which it begins a sign-in by itself (OIDC Core §4)."""
    joint = "&" if "?" in row.initiate_login_uri else "?"
    return {"name": row.name, "url": f"{row.initiate_login_uri}{joint}{urlencode({'iss': issuer})}"}


@require_POST
@own_page
def switch(own: Own, tenant_id: str, organization_id: str) -> HttpResponse:
    """Work in this organization from now on; the service's own pages decide whether the sign-in will do."""
    tenant, member, organization = _find(own, tenant_id, organization_id)
    with scope.tenant(tenant.id):
        whole = authority.permissions_of(member.id) or authority.permissions_of(member.id, organization.id)
    target = f"/dashboard/{tenant.slug}/" if whole else reverse("portal_organizations")
    query = urlencode({"organization": organization.public_id, "next": target})
    return _see_other(f"{tenant_path(tenant.slug, 'sign_in')}?{query}")


@require_http_methods(READ_WRITE)
@own_page
def leave(own: Own, tenant_id: str, organization_id: str) -> HttpResponse:
    """Say what ends, and leave; the last owner stays."""
    tenant, member, organization = _find(own, tenant_id, organization_id)
    shown: dict[str, Any] = {"service": tenant, "organization": organization}
    if own.request.method != "POST":
        return own.render("leave_organization", **shown)
    try:
        with scope.tenant(tenant.id):
            actor = principal_of(tenant.id, member, own.session.account_id)
            membership = organizations.membership(organization, member.subject)
            services.leave(actor=actor, membership=membership)
    except Problem as problem:
        if problem.status >= 500:
            raise
        reason = words_of(problem)
        return own.render("leave_organization", problem.status, reason=reason, **shown)
    messages.success(own.request, _("You have left %(name)s.") % {"name": organization.name})
    return own.go("portal_organizations")


@require_POST
@own_page
def decide(own: Own, invitation_id: str) -> HttpResponse:
    """Accept or decline an invitation to one of the person's own proved addresses."""
    wanted, addresses = id_or_missing(Invitation.PREFIX, invitation_id), _addresses(own)
    try:
        if own.request.POST.get("act") == "decline":
            invitations.decline(addresses=addresses, invitation_id=wanted)
            messages.success(own.request, _("Declined."))
        else:
            invitations.accept(
                account_id=own.session.account_id,
                addresses=addresses,
                invitation_id=wanted,
                name=own.session.account_name,
            )
            messages.success(own.request, _("You have joined."))
    except NotFound:
        raise
    except Problem as problem:
        if problem.status >= 500:
            raise
        messages.error(own.request, words_of(problem))
    return own.go("portal_organizations")


def _addresses(own: Own) -> list[str]:
    with scope.account(own.session.account_id):
        return [row.address for row in people.emails(own.session.account_id)]


def _find(own: Own, tenant_id: str, organization_id: str) -> Found:
    """Return an organization of the person's own; anybody else's is not found."""
    tenant = id_or_missing(Tenant.PREFIX, tenant_id)
    organization = id_or_missing(Organization.PREFIX, organization_id)
    for place, member in places(own):
        if place.id == tenant and member.is_active:
            with scope.tenant(place.id):
                mine = Membership.objects.filter(member=member, organization_id=organization)
                row = mine.filter(organization__status="active").select_related("organization").first()
            if row is not None:
                return place, member, row.organization
    raise NotFound


def _see_other(address: str) -> HttpResponse:
    response = HttpResponseRedirect(address)
    response.status_code = 303
    return response
