"""Leaving services: one that the person cuts off, or all of them when the account goes (NEW-01, USR-14).

The service keeps the subject, which is never used again, and its audit log with that pseudonym in it;
name, addresses and what else it knew of the person are erased there.
"""

from __future__ import annotations

import uuid

from core import ids, scope
from core.errors import NotFound
from core.principal import Principal, SubjectType
from events.services import emit
from identity.services import describe, person
from oauth import consents, families
from oauth.models import Consent
from tenants import erasure, links, members, selectors
from tenants.models import Member, Tenant


def leave(*, account_id: uuid.UUID, tenant_id: uuid.UUID, account_ends: bool = False) -> None:
    """Take the person out of one tenant: sessions, tokens and consents end, what it knows is erased.

    Opens its scopes itself. Raises NotFound where they are no member, LastOwner, and Conflict while suspended:
    they would come back as somebody new. Where the whole account ends that holds nobody.
    """
    with scope.tenant(tenant_id):
        actor, member = _who(account_id, tenant_id)
        members.check_leaving(actor=actor, member=member, even_suspended=account_ends)
    links.unlink_tenant(account_id=account_id, tenant_id=tenant_id)
    with scope.tenant(tenant_id):
        actor, member = _who(account_id, tenant_id)
        members.leave(actor=actor, member=member, even_suspended=account_ends)
        end_grants(actor, member)
        erasure.erase(actor=actor.actor, member=member, reason="left")
    with scope.account(account_id):
        public_id = ids.encode(Tenant.PREFIX, tenant_id)
        emit(
            "account.tenant.left",
            actor=person(account_id),
            object=describe(account_id) | {"tenant": public_id},
        )


def end_grants(actor: Principal, member: Member) -> None:
    """Take back every consent of the member, and end every family of tokens."""
    for consent in Consent.objects.filter(member=member, revoked_at=None):
        consents.withdraw(actor=actor.actor, consent=consent)
    families.revoke_all(reason="left", actor=actor.actor, member_id=member.id)


def check(*, account_id: uuid.UUID, tenant_id: uuid.UUID) -> None:
    """Raise what `leave` would raise about owners, and change nothing."""
    with scope.tenant(tenant_id):
        members.check_guards(*_who(account_id, tenant_id))


def _who(account_id: uuid.UUID, tenant_id: uuid.UUID) -> tuple[Principal, Member]:
    member = selectors.member_by_account(account_id)
    if member is None:
        raise NotFound
    return principal_of(tenant_id, member, account_id), member


def principal_of(tenant_id: uuid.UUID, member: Member, account_id: uuid.UUID) -> Principal:
    """Return the person as who acts upon themselves in a tenant: with no permission at all."""
    tenant = selectors.by_id(tenant_id)
    if tenant is None:
        raise NotFound
    return Principal(
        subject_type=SubjectType.USER,
        subject=member.subject,
        tenant_id=tenant.id,
        tenant_slug=tenant.slug,
        mode=tenant.mode,
        member_id=member.id,
        account_id=account_id,
    )
