"""Becoming a member of a tenant: whom its sign-up policy lets in (AUT-18), and whom it waits for."""

from __future__ import annotations

from core import ids, scope
from core.principal import Actor
from events.services import emit
from identity import emails as addresses
from identity import selectors as people
from identity.emails import Address
from identity.sessions import SessionRef
from invitations.selectors import is_invited
from organizations import auto_join
from signin.errors import SignUpClosed
from tenants import disposable, members, selectors
from tenants.models import Member, MemberStatus
from tenants.policy import TenantPolicy
from tenants.selectors import TenantRef


def may_sign_up(tenant: TenantRef, address: Address) -> bool:
    """Apply the tenant's sign-up policy (AUT-18) in the open tenant scope; the invited always may."""
    policy = selectors.policy()
    if policy.sign_up == "open":
        return True
    if policy.sign_up == "domain" and _is_listed(policy, address):
        return True
    return is_expected(address)


def _is_listed(policy: TenantPolicy, address: Address) -> bool:
    """Whether its domain is one that the tenant lists, or by which people join an organization (ORG-05)."""
    listed = {domain.casefold() for domain in policy.sign_up_domains}
    return address.domain in listed or auto_join.admits(address.domain)


def is_expected(address: Address) -> bool:
    """Whether the tenant has invited or pre-provisioned this address."""
    return _pending([address]) is not None or is_invited(address.canonical)


def _pending(owned: list[Address]) -> Member | None:
    waiting = selectors.members().filter(status=MemberStatus.PENDING, account_id=None)
    return waiting.filter(email_search__in=[address.canonical for address in owned]).first()


def may_join(tenant: TenantRef, session: SessionRef) -> bool:
    """Whether the tenant's policy lets this account in as a new member."""
    owned = _owned(session)
    with scope.tenant(tenant.id):
        return _pending(owned) is not None or any(may_sign_up(tenant, address) for address in owned[:1])


def _owned(session: SessionRef) -> list[Address]:
    """The person's proved addresses, the primary one first."""
    with scope.account(session.account_id):
        return [addresses.parse(row.address) for row in people.emails(session.account_id)]


def record_blocked() -> None:
    """Record a sign-up that the policy refused; who asked is known to nobody yet."""
    described = {"id": ids.encode("flow", ids.uuid7()), "object": "sign_up", "reason": "policy"}
    emit("signup.blocked", actor=Actor("user", "unknown"), object=described)


def join(tenant: TenantRef, session: SessionRef, *, signed_up: bool = False) -> Member:
    """Make the person a member, or link the member who waits for them; raises SignUpClosed, DisposableMail.

    `signed_up` says that they have just proved their address here.
    """
    owned = _owned(session)
    with scope.tenant(tenant.id):
        known = selectors.member_by_account(session.account_id)
        if known is not None:
            return known
        for address in owned[:1]:
            disposable.check(address)
        waiting = _pending(owned)
        if waiting is not None:
            return members.link_account(waiting, session.account_id, email_verified=True)
        if not any(may_sign_up(tenant, address) for address in owned[:1]):
            raise SignUpClosed
        subject = ids.new_subject()
        member = members.create_member(
            actor=Actor("user", subject),
            email=owned[0].mailbox,
            name=session.account_name,
            account_id=session.account_id,
            email_verified=True,
            subject=subject,
        )
        if signed_up:
            emit("signup.completed", actor=Actor("user", subject), object={"id": subject, "object": "member"})
        return member


def join_organization(tenant: TenantRef, session: SessionRef, member: Member) -> bool:
    """Let a member into the organization in whose verified domain their address lies; True where they came in now.

    A connection's session says nothing about addresses, so it brings nobody in. That the address is proved is asked
    of the person's own account, not of the tenant's copy.
    """
    if not (session.is_own and auto_join.is_used(tenant.id)):
        return False
    with scope.tenant(tenant.id):
        address = auto_join.awaits(member)
    if address is None or address.canonical not in {one.canonical for one in _owned(session)}:
        return False
    with scope.tenant(tenant.id):
        return auto_join.join(member)
