"""The dashboard's frame: who is looking, at which tenant, with which rights, and what surrounds a page.

Pages live in their apps as plain functions `(request, viewer, **ids)`. `page()` wraps one: it finds the
viewer, opens the scope, requires the permission, and renders inside the scope.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from core import context as request_context
from core import ports, scope, turns
from core.errors import Gone, NotFound, SubjectSuspended
from core.principal import Principal, SubjectType
from core.urls import tenant_path
from federation import gate, reach
from federation.models import Connection
from identity import assurance, browser, methods
from identity.sessions import SessionRef
from organizations import selectors as organization_selectors
from roles import authority
from roles.assurance import demanded
from tenants import selectors
from tenants.models import Member, MemberStatus, Tenant
from tenants.selectors import TenantRef

Page = Callable[..., HttpResponse]


@dataclass
class Viewer:
    """An administrator at work. `tenant` is the row; `base` the dashboard's path for it."""

    principal: Principal
    tenant: Tenant
    member: Member
    section: str = ""
    tenants: list[dict[str, Any]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.member.name

    @property
    def email(self) -> str:
        return self.member.email

    @property
    def sign_in_url(self) -> str:
        """Return where they sign in again: where a connection vouched for them, at the tenant's own page."""
        is_vouched = methods.FEDERATED in self.principal.amr
        return tenant_path(self.tenant.slug, "sign_in") if is_vouched else reverse("sign_in")

    @property
    def base(self) -> str:
        return f"/dashboard/{self.tenant.slug}"

    def url(self, *parts: str) -> str:
        """Return `/dashboard/{slug}/part/part`."""
        return "/".join([self.base, *parts]) if parts else f"{self.base}/"

    def may(self, permission: str) -> bool:
        return self.principal.may(permission)


def page(permission: str, section: str) -> Callable[[Page], Page]:
    """Wrap a page: signed in, member, permitted, in scope; anything less answers before the page runs."""

    def wrap(view: Page) -> Page:
        @wraps(view)
        def door(request: HttpRequest, slug: str, **arguments: Any) -> HttpResponse:
            tenant = selectors.by_slug(slug)
            session = browser.session_in(request, tenant.id) if tenant else browser.account_session(request)
            if session is None:
                return to_sign_in(request)
            if tenant is None:
                raise NotFound
            admitted = _admit(request, tenant, session)
            if isinstance(admitted, HttpResponse):
                return admitted
            reason = request.POST.get("reason", "")[:300]
            # Where else the person is, is not for a session that a connection opened (threat F7).
            others = siblings(session.account_id, slug) if session.is_own else []
            with scope.principal(admitted), request_context.refine(reason=reason):
                if request.method == "POST":
                    named = list(arguments.values())
                    turns.take(admitted.tenant_id, turns.name_of(named[-1]) if named else request.path_info)
                viewer = _viewer(admitted, section, others)
                request.viewer = viewer  # type: ignore[attr-defined]
                if permission:
                    ports.authority.require(admitted, permission)
                return view(request, viewer, **arguments)

        door.permission, door.section = permission, section  # type: ignore[attr-defined]
        return door

    return wrap


def _viewer(principal: Principal, section: str, tenants: list[dict[str, Any]]) -> Viewer:
    member = selectors.member(principal.member_id)  # type: ignore[arg-type]
    return Viewer(principal, selectors.tenant(), member, section, tenants)


def _admit(request: HttpRequest, tenant: TenantRef, session: SessionRef) -> Principal | HttpResponse:
    """Return the administrator's principal, or the answer that sends them to a sign-in which does here."""
    with scope.tenant(tenant.id):
        member = selectors.member_by_account(session.account_id)
        is_stopped = selectors.policy().stops(session.risk) or not _is_accepted(tenant, session, member)
        principal = None if is_stopped and not session.is_own else _principal(tenant, member, session)
        level = _lacks(principal, session)
    if is_stopped or (not session.is_own and (principal is None or level)):
        return _to_own_sign_in(request, tenant.slug, level)
    if principal is None or level:
        return to_sign_in(request, level)
    return principal


def _is_accepted(tenant: TenantRef, session: SessionRef, member: Member | None) -> bool:
    """Whether the way the person signed in is one that the tenant takes: a connection's word while it stands for
    it, methods of their own where none is enforced (threat F6, ORG-07).
    """
    if session.is_own:
        return not gate.refuses(tenant, session, member)
    return _vouching(session) is not None


def _vouching(session: SessionRef) -> Connection | None:
    if session.connection_id is None:
        return None
    return reach.live(session.connection_id, session.account_id, session.auth_time)


def _principal(tenant: TenantRef, member: Member | None, session: SessionRef) -> Principal | None:
    """Return the administrator's principal; None asks for a fresh sign-in.

    A person without a role here gets the answer of a tenant that does not exist (threat A1).
    """
    if member is None or member.status == MemberStatus.REMOVED:
        raise NotFound
    if not member.is_active:
        raise SubjectSuspended
    if not tenant.is_active:
        raise Gone(_("This tenant is suspended. Ask the operator of this installation."))
    if member.reauthenticate_after and session.auth_time < member.reauthenticate_after:
        return None
    vouching = None if session.is_own else _vouching(session)
    organization_id, permissions = _reach(member, vouching.organization_id if vouching else None)
    if not permissions:
        raise NotFound
    return Principal(
        subject_type=SubjectType.USER,
        subject=member.subject,
        tenant_id=tenant.id,
        tenant_slug=tenant.slug,
        mode=tenant.mode,
        permissions=permissions,
        scopes=permissions,
        roles=authority.roles_of(member.id, organization_id),
        organization_id=organization_id,
        member_id=member.id,
        account_id=session.account_id,
        session_id=session.id,
        amr=tuple(session.amr),
        auth_time=session.auth_time,
        is_admin_page=True,
    )


def _lacks(principal: Principal | None, session: SessionRef) -> str:
    """Return the acr that the tenant demands of its administrators and this sign-in lacks, empty for none."""
    if principal is None or principal.member_id is None:
        return ""
    needed, days = (
        demanded(principal.member_id, principal.organization_id),
        selectors.policy().trusted_browser_days,
    )
    if not needed:
        return ""
    reached = assurance.PASSWORD if session.trusts_longer_than(days * 86_400) else session.acr
    return "" if assurance.satisfies(reached, needed) else needed


def _reach(member: Member, bound_to: uuid.UUID | None) -> tuple[uuid.UUID | None, frozenset[str]]:
    """Return how far the member's roles reach: the tenant, else the first organization they administer.

    A sign-in by an organization's connection is `bound_to` it.
    """
    if bound_to is not None:
        return bound_to, authority.permissions_of(member.id, bound_to)
    whole = authority.permissions_of(member.id)
    if whole:
        return None, whole
    for organization_id in organization_selectors.organization_ids_of(member.id):
        inside = authority.permissions_of(member.id, organization_id)
        if inside:
            return organization_id, inside
    return None, frozenset()


def siblings(account_id: uuid.UUID, current: str) -> list[dict[str, Any]]:
    """Return the tenants of the person for the switcher."""
    with scope.account(account_id):
        rows = selectors.tenants_of_account().values("slug", "name", "mode")
        return [
            {**row, "url": f"/dashboard/{row['slug']}/", "active": row["slug"] == current} for row in rows
        ]


def _to_own_sign_in(request: HttpRequest, slug: str, acr_values: str = "") -> HttpResponse:
    """Send the person to the tenant's own sign-in, whose policy asks more than the account's, or another proof."""
    back = request.get_full_path() if request.method == "GET" else request.path
    asked = {"next": back} | ({"acr_values": acr_values} if acr_values else {})
    return HttpResponseRedirect(f"{tenant_path(slug, 'sign_in')}?{urlencode(asked)}")


def to_sign_in(request: HttpRequest, acr_values: str = "") -> HttpResponse:
    """Send the person to the account's sign-in and back to this page (a GET of it, never a repeated POST)."""
    back = request.get_full_path() if request.method == "GET" else request.path
    asked = {"next": back} | ({"acr_values": acr_values} if acr_values else {})
    return HttpResponseRedirect(f"/sign-in?{urlencode(asked)}")
