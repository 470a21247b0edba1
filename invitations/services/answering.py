"""Accepting and declining: what the invited person may do with the link that was mailed (USR-02)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.db import transaction

from core import ids
from core.errors import SubjectSuspended
from core.principal import Actor
from identity import emails
from invitations import inviters, selectors
from invitations.errors import InvitationGone, WrongAddress
from invitations.models import Invitation, InvitationState
from invitations.services.records import decide, locked, tell
from organizations import selectors as organization_selectors
from organizations import services as organization_services
from organizations.models import OrganizationStatus
from roles import services as role_services
from roles.models import Role
from tenants import disposable, members
from tenants import selectors as tenant_selectors
from tenants.models import Member, MemberStatus


def find(token: str) -> Invitation:
    """Return the open invitation of a mailed token; raises InvitationGone, alike for unknown and past."""
    rows = selectors.by_token(token).select_related("organization", "inviter")
    found = rows.first() if token else None
    if found is None or not found.is_open:
        raise InvitationGone
    return found


def accept(
    *, account_id: uuid.UUID, emails_verified: Iterable[str], token: str, name: str = ""
) -> Invitation:
    """Let the signed-in person join, in the open tenant scope. The link alone is no proof of who they are.

    Raises InvitationGone, WrongAddress unless the account has verified the invited address, SubjectSuspended,
    and DisposableMail by the tenant's policy.
    """
    with transaction.atomic():
        found = find(token)
        rows = selectors.invitations().filter(id=found.id, token_fingerprint=found.token_fingerprint)
        invitation = locked(rows)
        take(invitation, account_id=account_id, emails_verified=emails_verified, name=name)
    return invitation


def take(invitation: Invitation, *, account_id: uuid.UUID, emails_verified: Iterable[str], name: str) -> None:
    """Let the person in by an invitation that is held; raises what `accept` raises."""
    if not invitation.is_open:
        raise InvitationGone
    owned = {emails.parse(address).canonical for address in emails_verified}
    if invitation.email_search not in owned:
        raise WrongAddress
    roles = selectors.roles_of(invitation)
    inviters.check_again(invitation, roles)
    member = settle(invitation, account_id, name)
    place(invitation, member, roles)
    invitation.member = member
    decide(invitation, InvitationState.ACCEPTED, "member")
    actor = Actor("user", member.subject)
    tell("invitation.accepted", actor, invitation, previous={"state": InvitationState.PENDING})


def settle(invitation: Invitation, account_id: uuid.UUID, name: str) -> Member:
    """Return the person's member of this tenant: the one they have, the one that waits, or a new one."""
    member = tenant_selectors.member_by_account(account_id)
    if member is not None and member.status == MemberStatus.SUSPENDED:
        raise SubjectSuspended
    if member is not None:
        return member
    disposable.check(emails.parse(invitation.email_search))
    waiting = tenant_selectors.members().filter(
        email_search=invitation.email_search, account_id=None, status=MemberStatus.PENDING
    )
    member = waiting.first()
    if member is not None:
        return members.link_account(member, account_id, email_verified=True)
    subject = ids.new_subject()
    return members.create_member(
        actor=Actor("user", subject),
        email=invitation.email,
        name=name,
        account_id=account_id,
        email_verified=True,
        subject=subject,
    )


def place(invitation: Invitation, member: Member, roles: Iterable[Role]) -> None:
    """Put the member where the invitation says, with what it says and nothing else (threat S3)."""
    organization, actor = invitation.organization, Actor("user", member.subject)
    if organization is not None:
        if organization.status != OrganizationStatus.ACTIVE:
            raise InvitationGone
        if not organization_selectors.belongs(member.id, organization.id):
            organization_services.add_member_as_system(organization=organization, member=member, actor=actor)
    for role in roles:
        role_services.assign_role_as_system(
            actor=giver(invitation), member=member, role=role, organization=organization
        )


def giver(invitation: Invitation) -> Actor:
    """The roles come from who invited, not from who accepted."""
    if invitation.inviter_key:
        return Actor("service", invitation.inviter_key)
    return Actor("admin", invitation.inviter.subject if invitation.inviter else "system")


def decline(*, token: str) -> None:
    """Turn an invitation down; who holds the mail may do that without an account."""
    with transaction.atomic():
        turn_down(locked(selectors.invitations().filter(id=find(token).id)))


def turn_down(invitation: Invitation) -> None:
    """Decline an invitation that is held; raises InvitationGone."""
    if not invitation.is_open:
        raise InvitationGone
    decide(invitation, InvitationState.DECLINED)
    actor = Actor("guest", invitation.public_id)
    tell("invitation.declined", actor, invitation, previous={"state": InvitationState.PENDING})
