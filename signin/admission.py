"""From a signed-in person to a session in one tenant: must they prove themselves again, and for how long."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from core import context, scope
from core.postgres import rows
from core.principal import Actor
from events.services import emit
from federation import gate, reach
from federation.errors import SsoFailed
from federation.models import Connection
from identity import assurance, settling
from identity import sessions as identity_sessions
from identity.sessions import SessionRef
from oauth import consents, families
from oauth.consents import Allowed
from organizations.models import Membership, Organization
from organizations.policy import accepts_methods, accepts_sign_in, idle_limit
from roles.assurance import demanded, policy_column, roles_column, weigh
from signin.interaction import Interaction
from tenants import members, selectors
from tenants import sessions as tenant_sessions
from tenants.models import Member, MemberStatus, TenantSession
from tenants.policy import TenantPolicy
from tenants.selectors import TenantRef
from tenants.sessions import Proof


@dataclass(frozen=True)
class Standing:
    """A signed-in person in one tenant. `must_prove`: single sign-on does not do here (SES-05, SES-06).

    `bound_to` is the one organization that the session is good for, where an organization's connection opened it.
    """

    member: Member | None
    must_prove: bool
    organizations: tuple[Organization, ...] = ()
    session: TenantSession | None = None
    bound_to: uuid.UUID | None = None


def standing(tenant: TenantRef, session: SessionRef, interaction: Interaction) -> Standing:
    """Judge a live identity session against the tenant's policy and what the application asked."""
    with scope.tenant(tenant.id):
        policy, member = selectors.policy(), selectors.member_by_account(session.account_id)
        if member is None:
            stale = must_prove(session, policy, interaction, None, policy.session_idle)
            refused = not session.is_own or gate.refuses(tenant, session, None)
            return Standing(None, stale or refused or not accepts_methods(None, session.amr))
        current = live_session(session, member)
        idle = idle_limit(policy, current.organization_id if current else interaction.organization_id)
        proof = must_prove(session, policy, interaction, member.reauthenticate_after, idle)
        bound = None if session.is_own else _bound_to(session)
        proof = proof or not _accepts_methods(session, interaction.organization_id or bound)
        proof = proof or gate.refuses(tenant, session, member)
        return Standing(member, proof, tuple(organizations_of(member)), current, bound)


def _accepts_methods(session: SessionRef, organization_id: uuid.UUID | None) -> bool:
    """Whether the methods allowed here opened it; a tenant's own connection is switched at the connection."""
    if session.is_own:
        return accepts_methods(organization_id, session.amr)
    found = _vouching(session)
    return found is not None and found.organization_id in (None, organization_id)


def _vouching(session: SessionRef) -> Connection | None:
    """Return the connection that opened the session, None where its word counts no longer (threat F6)."""
    if session.connection_id is None:
        return None
    return reach.live(session.connection_id, session.account_id, session.auth_time)


def _bound_to(session: SessionRef) -> uuid.UUID | None:
    found = _vouching(session)
    return found.organization_id if found else None


def is_vouched(session: SessionRef) -> bool:
    """Whether a sign-in is its owner's own, or its connection still stands for it, in the open tenant scope."""
    return session.is_own or _vouching(session) is not None


def must_prove(
    session: SessionRef, policy: TenantPolicy, interaction: Interaction, since: datetime | None, idle: int
) -> bool:
    """Whether the person has to authenticate again before this tenant lets them in."""
    age = timezone.now() - session.auth_time
    if since is not None and session.auth_time <= since:
        return True
    if is_too_old(session, interaction):
        return True
    return session.is_idle(idle) or age > absolute_limit(session, policy) or policy.stops(session.risk)


def must_prove_here(session: SessionRef, interaction: Interaction) -> bool:
    """The same at the bare origin, where no tenant's policy rules."""
    return session.is_idle(int(identity_sessions.IDLE.total_seconds())) or is_too_old(session, interaction)


def is_too_old(session: SessionRef, interaction: Interaction) -> bool:
    """Whether `prompt=login` or `max_age` asks for a proof after the one there is.

    Whoever has proved themselves since the question was asked is fresh enough, even for a limit of zero.
    """
    if session.auth_time.timestamp() >= interaction.asked_at:
        return False
    limit, age = interaction.max_age, timezone.now() - session.auth_time
    return "login" in interaction.prompts or (limit is not None and age > timedelta(seconds=limit))


def absolute_limit(session: SessionRef, policy: TenantPolicy) -> timedelta:
    return timedelta(seconds=policy.session_remember if session.remembered else policy.session_absolute)


def level_of(session: SessionRef, policy: TenantPolicy) -> str:
    """Return what a sign-in counts for in the tenant: where a trusted browser stood for the second factor,
    its proof must not be older than the tenant's policy allows.
    """
    too_old = session.trusts_longer_than(policy.trusted_browser_days * 86_400)
    return assurance.PASSWORD if too_old else session.acr


def lacks(session: SessionRef, member: Member, organization_id: uuid.UUID | None) -> str:
    """Return the acr that the open tenant demands of the member and the sign-in has not, empty for none."""
    return _missing(session, demanded(member.id, organization_id))


def _missing(session: SessionRef, needed: str) -> str:
    if not needed or assurance.satisfies(level_of(session, selectors.policy()), needed):
        return ""
    return needed


def lacks_asked(session: SessionRef, interaction: Interaction) -> str:
    """Return the level to reach where the application asked for one; a trusted browser is no answer to that."""
    reached = assurance.PASSWORD if session.factor_proved_at else session.acr
    wanted = interaction.wanted_levels
    return "" if assurance.meets_any(reached, wanted) else wanted[0]


def accepts(
    tenant: TenantRef | None,
    known: SessionRef,
    session: TenantSession | None,
    organization_id: uuid.UUID | None,
) -> bool:
    """Whether a sign-in, and its session here if there is one, may go on in an organization as it is."""
    if tenant is None:
        return True
    with scope.tenant(tenant.id):
        checked = organization_id is not None or not known.is_own
        if checked and not _accepts_methods(known, organization_id):
            return False
        return session is None or accepts_sign_in(organization_id, last_active_at=session.last_active_at)


def accepts_method(tenant: TenantRef, known: SessionRef, organization_id: uuid.UUID | None) -> bool:
    """Whether the method that opened this sign-in is one that the tenant and the organization allow."""
    with scope.tenant(tenant.id):
        return _accepts_methods(known, organization_id)


def organizations_of(member: Member) -> QuerySet[Organization]:
    mine = Membership.objects.filter(member=member).values("organization_id")
    return Organization.objects.filter(id__in=mine, status="active").order_by("name")


_LIVE_SESSION = """
tenant_id = %(tenant)s AND member_id = %(member)s AND identity_session_id = %(identity)s AND ended_at IS NULL
AND expires_at > %(now)s ORDER BY id DESC
"""


def live_session(session: SessionRef, member: Member) -> TenantSession | None:
    """Return this browser's session of the member that neither was ended nor ran out."""
    of = {"tenant": member.tenant_id, "member": member.id, "identity": session.id, "now": timezone.now()}
    return rows.first(TenantSession, _LIVE_SESSION, of)


_MEMBER_AND_SESSION = """
FROM tenants_member LEFT JOIN tenants_tenantsession
  ON tenants_tenantsession.tenant_id = tenants_member.tenant_id
 AND tenants_tenantsession.member_id = tenants_member.id
 AND tenants_tenantsession.identity_session_id = %(identity)s AND tenants_tenantsession.ended_at IS NULL
 AND tenants_tenantsession.expires_at > %(now)s
WHERE tenants_member.tenant_id = %(tenant)s AND tenants_member.account_id = %(account)s
  AND tenants_member.status <> 'removed'
ORDER BY tenants_tenantsession.id DESC NULLS LAST
"""


_BESIDE = ", ".join(
    [
        policy_column("tenants_member.tenant_id", "tenants_tenantsession.organization_id"),
        roles_column("tenants_member.tenant_id", "tenants_member.id"),
        consents.column("tenants_member.tenant_id", "tenants_member.id", "tenants_tenantsession.id"),
    ]
)


@dataclass(frozen=True)
class Present:
    """A member in this browser: their live session, the acr it still owes, and what they allow the client."""

    member: Member
    session: TenantSession
    lacks: str
    allowed: Allowed


def present(session: SessionRef, application_id: uuid.UUID | None = None) -> Present | None:
    """Return the member whose account it is and their live session, read at once in the open tenant scope."""
    tenant_id, now = scope.require_tenant(), timezone.now()
    of = {"tenant": tenant_id, "account": session.account_id, "identity": session.id, "now": now}
    found = rows.pair(
        Member, TenantSession, _BESIDE, _MEMBER_AND_SESSION, {**of, "application": application_id}
    )
    if found is None:
        return None
    member, current, (policy, roles, given) = found
    if current is None:
        return None
    return Present(member, current, _missing(session, weigh(policy, roles)), consents.read(given))


def enter(
    tenant: TenantRef, session: SessionRef, member: Member, organization_id: uuid.UUID | None, *, method: str
) -> TenantSession:
    """Return the member's session in this browser, opened or refreshed by what has just been proved."""
    with scope.tenant(tenant.id):
        policy = selectors.policy()
        _hold(session)
        # A guest who has linked an address since (AUT-11), and nobody who gives the tenant none.
        if session.email and not member.email and not member.withholds_email:
            members.choose_email(actor=Actor("user", member.subject), member=member, email=session.email)
        ends = session.auth_time + absolute_limit(session, policy)
        current = live_session(session, member)
        if current is not None and tenant_sessions.is_idle(
            current, idle_limit(policy, current.organization_id)
        ):
            tenant_sessions.end_session(current, "idle")
            current = None
        if current is not None:
            current.member = member
            proof = Proof(session.acr, session.amr, session.auth_time, min(ends, session.expires_at))
            tenant_sessions.refresh(current, proof=proof, organization_id=organization_id)
            return current
        gate.record_use(tenant, session, member)
        return _open(session, member, organization_id, ends, method=method)


def _hold(session: SessionRef) -> None:
    """Raise SsoFailed unless the sign-in is its owner's own, or its connection stands for it until the commit."""
    if session.is_own:
        return
    if session.connection_id is None or not reach.hold(
        session.connection_id, session.account_id, session.auth_time
    ):
        raise SsoFailed("disabled")


def _open(
    session: SessionRef, member: Member, organization_id: uuid.UUID | None, ends: datetime, *, method: str
) -> TenantSession:
    known = context.current()
    opened = tenant_sessions.open_session(
        member=member,
        identity_session_id=session.id,
        acr=session.acr,
        amr=session.amr,
        auth_time=session.auth_time,
        ip=known.ip,
        user_agent=known.user_agent,
        organization_id=organization_id,
        expires_at=min(ends, session.expires_at),
        connection_id=session.connection_id,
    )
    described = {"id": opened.public_id, "object": "session", "member": member.subject}
    emit(
        "signin.succeeded",
        actor=Actor("user", member.subject),
        object={**described, "method": method, "acr": session.acr},
    )
    return opened


@identity_sessions.on_ended
def end_in_tenants(payload: dict[str, Any]) -> None:
    """End the tenant sessions that hang on ended sign-ins, in every tenant of the person."""
    account_id = uuid.UUID(payload["account_id"])
    with scope.account(account_id):
        places = list(Member.objects.exclude(status=MemberStatus.REMOVED).values_list("tenant_id", "id"))
    for tenant_id, member_id in places:
        with scope.tenant(tenant_id):
            ended, at = [uuid.UUID(one) for one in payload["sessions"]], datetime.fromisoformat(payload["at"])
            _end_here(member_id, ended, payload["reason"], at)


def _end_here(member_id: uuid.UUID, ended: list[uuid.UUID], reason: str, at: datetime) -> None:
    live = TenantSession.objects.filter(identity_session_id__in=ended, ended_at=None)
    for session in live.select_related("member"):
        tenant_sessions.end_session(session, reason)
    if reason == identity_sessions.RECOVERY:  # standing grants were given under the lost password (L5)
        families.revoke_all(reason=reason, member_id=member_id)
        member = Member.objects.get(id=member_id)
        actor, since = Actor("user", member.subject), at - settling.HOLD
        consents.withdraw_given(actor=actor, member_id=member_id, since=since, until=at)
