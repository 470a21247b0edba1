"""Where a connection is enforced, methods of one's own are not taken (ORG-07): every door asks, behind its proof.

The typed address's domain decides before a proof, so that nothing tells who exists (threat L2); behind it also
the addresses that the tenant knows. Exempt members get in, and each time is recorded.
"""

from __future__ import annotations

import uuid

from core import scope
from core.principal import Actor
from federation import doors
from federation.doors import Door
from federation.errors import SsoRequired
from federation.services import tell_exemption
from identity.emails import Address
from identity.sessions import SessionRef
from tenants import selectors
from tenants.models import Member
from tenants.selectors import TenantRef


def check(tenant: TenantRef | None, account_id: uuid.UUID, address: Address) -> None:
    """Raise SsoRequired for a right proof of somebody who must use a connection; opens a scope if there is one."""
    if tenant is None or not _is_used(tenant):
        return
    with scope.tenant(tenant.id):
        member = selectors.member_by_account(account_id)
        if _refused(tenant, member, address.domain):
            raise SsoRequired


def check_address(tenant: TenantRef | None, address: Address) -> None:
    """Raise SsoRequired where a connection speaks for the domain alone: at sign-up and recovery."""
    if tenant is None or not _is_used(tenant):
        return
    with scope.tenant(tenant.id):
        if doors.demanded(tenant.id, [address.domain]) is not None:
            raise SsoRequired


def refuses(tenant: TenantRef, session: SessionRef, member: Member | None) -> bool:
    """Whether a sign-in by one's own methods is not enough here, in the open tenant scope."""
    if not session.is_own or not _is_used(tenant):
        return False
    return _refused(tenant, member, _domain(session.email))


def record_use(tenant: TenantRef, session: SessionRef, member: Member) -> None:
    """Record that an exempt member gets in by methods of their own, in the open tenant scope."""
    if not session.is_own or not _is_used(tenant):
        return
    door = _door(tenant, member, _domain(session.email))
    exemption = doors.exemption_of(door, member.id) if door else None
    if exemption is not None:
        tell_exemption("used", Actor("user", member.subject), exemption)


def _is_used(tenant: TenantRef) -> bool:
    return any(door.enforced for door in doors.of(tenant.id))


def _refused(tenant: TenantRef, member: Member | None, domain: str) -> bool:
    door = _door(tenant, member, domain)
    return door is not None and (member is None or doors.exemption_of(door, member.id) is None)


def _door(tenant: TenantRef, member: Member | None, domain: str) -> Door | None:
    return doors.demanded(tenant.id, [domain, _domain(member.email if member else "")])


def _domain(email: str) -> str:
    return email.rpartition("@")[2].casefold()
