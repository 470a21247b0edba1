"""Reading tenants, members and sessions."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from core import scope
from core.errors import NotFound
from core.livecache import LiveCache
from core.postgres import rows
from core.postgres.prepared import Prepared
from core.urls import issuer
from tenants.models import Member, MemberStatus, Tenant, TenantSession, TenantStatus
from tenants.policy import TenantPolicy

_LOOK_UP = {
    name: Prepared(f"SELECT id, slug, mode, status FROM {name}(%s)")  # noqa: S608 — constants
    for name in ("tenant_by_slug", "tenant_by_id")
}
_BY_ACCOUNT = "tenant_id = %(tenant)s AND account_id = %(account)s AND status <> 'removed'"
END = "\U0010ffff"  # sorts after every character: closes a prefix range


@dataclass(frozen=True)
class TenantRef:
    """What every request needs of a tenant; cached, free of database objects."""

    id: uuid.UUID
    slug: str
    mode: str
    status: str

    @property
    def issuer(self) -> str:
        return issuer(self.slug)

    @property
    def is_active(self) -> bool:
        return self.status == TenantStatus.ACTIVE

    @property
    def public_id(self) -> str:
        from core import ids

        return ids.encode(Tenant.PREFIX, self.id)


_tenants: LiveCache[TenantRef | None] = LiveCache("tenant")
_policies: LiveCache[TenantPolicy] = LiveCache("tenant")


def by_slug(slug: str) -> TenantRef | None:
    """Return the tenant whose issuer ends in `slug`; needs no scope."""
    return _tenants.get(slug, lambda: _look_up("tenant_by_slug", slug))


def remembered(slug: str) -> TenantRef | None:
    """As `by_slug`, but only what this process knows already: it never asks the database."""
    return _tenants.peek(slug)


def by_id(tenant_id: uuid.UUID) -> TenantRef | None:
    """Return the tenant of an id; needs no scope."""
    return _tenants.get(str(tenant_id), lambda: _look_up("tenant_by_id", tenant_id))


def _look_up(function: str, argument: str | uuid.UUID) -> TenantRef | None:
    row = _LOOK_UP[function].first([argument])
    return TenantRef(*row) if row else None


def tenant() -> Tenant:
    """Return the row of the open tenant scope."""
    return Tenant.objects.get(id=scope.require_tenant())


def policy() -> TenantPolicy:
    """Return the policy of the open scope's tenant, cached until the tenant changes."""
    return _policies.get(f"{scope.require_tenant()}:policy", lambda: TenantPolicy.read(tenant().policy))


def policy_of(tenant_id: uuid.UUID) -> TenantPolicy:
    """As `policy`, but needs no scope and opens one only when the policy is not remembered."""

    def load() -> TenantPolicy:
        with scope.tenant(tenant_id):
            return TenantPolicy.read(tenant().policy)

    return _policies.get(f"{tenant_id}:policy", load)


def remembered_policy(tenant_id: uuid.UUID) -> TenantPolicy | None:
    """As `policy`, but only what this process knows already: it needs no scope and never asks the database."""
    return _policies.peek(f"{tenant_id}:policy")


def members() -> QuerySet[Member]:
    return Member.objects.filter(tenant_id=scope.require_tenant()).exclude(status=MemberStatus.REMOVED)


def begins(field: str, text: str, *, folded: bool = True) -> Q:
    """Return the rows whose `field` begins with `text`: a range that an index serves.

    `folded` says that the column holds case-folded text. Under row security LIKE is not leakproof and
    would read the whole table.
    """
    start = text.casefold().strip() if folded else text.strip()
    return Q(**{f"{field}__gte": start, f"{field}__lt": start + END})


Choices = Callable[[], list[tuple[str, str]]]


@dataclass(frozen=True)
class Narrowing:
    """A filter of the members' list that a higher app knows: how it narrows, what a page offers."""

    narrow: Callable[[QuerySet[Member], str], QuerySet[Member]]
    choices: Choices


narrowings: dict[str, Narrowing] = {}


def narrows_members(name: str, choices: Choices) -> Callable[[Any], Any]:
    """Register how a filter (`role`, `organization`) narrows the list of members."""

    def register(narrow: Any) -> Any:
        narrowings[name] = Narrowing(narrow, choices)
        return narrow

    return register


def search_members(*, q: str = "", **filters: str) -> QuerySet[Member]:
    """Return members whose name or e-mail begins with `q`, narrowed by the registered filters."""
    rows = members()
    if q.strip():
        rows = rows.filter(begins("email_search", q) | begins("name_search", q))
    for name, value in filters.items():
        if value:
            rows = narrowings[name].narrow(rows, value)
    return rows


def member(member_id: uuid.UUID) -> Member:
    """Return a member who was not removed; raises NotFound."""
    found = members().filter(id=member_id).first()
    if found is None:
        raise NotFound
    return found


def member_by_subject(subject: str) -> Member:
    """Return the member with this subject (`sub_…`); raises NotFound."""
    found = members().filter(subject=subject).first() if subject.isprintable() else None
    if found is None:
        raise NotFound
    return found


def any_member_by_subject(subject: str) -> Member:
    """Return the member with this subject, a removed one too; raises NotFound."""
    rows = Member.objects.filter(tenant_id=scope.require_tenant(), subject=subject)
    found = rows.first() if subject.isprintable() else None
    if found is None:
        raise NotFound
    return found


def removed_members() -> QuerySet[Member]:
    return Member.objects.filter(tenant_id=scope.require_tenant(), status=MemberStatus.REMOVED)


def member_by_account(account_id: uuid.UUID) -> Member | None:
    return rows.first(Member, _BY_ACCOUNT, {"tenant": scope.require_tenant(), "account": account_id})


def member_by_email(email: str) -> Member | None:
    """Return the member with this verified address, by the tenant's own copy of it."""
    return members().filter(email_search=email.casefold()).first()


def sessions_of(member: Member) -> QuerySet[TenantSession]:
    """Return a member's sessions that have not been ended, newest first."""
    return TenantSession.objects.filter(tenant_id=member.tenant_id, member=member, ended_at=None).order_by(
        "-id"
    )


def session_of(member: Member, session_id: uuid.UUID) -> TenantSession:
    """Return a member's session that has not been ended; raises NotFound."""
    found = sessions_of(member).filter(id=session_id).select_related("member").first()
    if found is None:
        raise NotFound
    return found


def tenants_of_account() -> QuerySet[Tenant]:
    """Return the tenants in which the person of the open account scope is a member."""
    return Tenant.objects.order_by("name")


def places_of_account() -> list[tuple[Tenant, Member]]:
    """Return these tenants by name, each with the member that the person is there."""
    tenants = {tenant.id: tenant for tenant in tenants_of_account()}
    members = Member.objects.exclude(status=MemberStatus.REMOVED)
    found = [(tenants[member.tenant_id], member) for member in members if member.tenant_id in tenants]
    return sorted(found, key=lambda place: place[0].name.casefold())
