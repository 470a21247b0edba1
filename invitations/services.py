"""Inviting, sending again, withdrawing, accepting, declining (USR-02)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from core import ids, ports, secrets
from core.api.fields import timestamp
from core.errors import SubjectSuspended
from core.principal import Actor, Principal
from core.urls import absolute
from events.services import emit
from identity import emails
from identity.emails import Address
from invitations import inviters, selectors
from invitations.errors import AlreadyMember, InvitationGone, InvitationPending, WrongAddress
from invitations.models import Invitation, InvitationState
from organizations import selectors as organization_selectors
from organizations import services as organization_services
from organizations.models import Organization, OrganizationStatus
from roles import guards
from roles import selectors as role_selectors
from roles import services as role_services
from roles.models import Role
from tenants import disposable, members
from tenants import selectors as tenant_selectors
from tenants.models import Member, MemberStatus

LIFETIME = 7 * 86_400
SHORTEST, LONGEST = 3600, 30 * 86_400


def invite(
    *,
    actor: Principal,
    email: str,
    roles: Iterable[Role] = (),
    organization: Organization | None = None,
    expires_in: int = LIFETIME,
    metadata: Mapping[str, str] | None = None,
) -> Invitation:
    """Invite an address to the tenant, or into one organization, with roles there; `expires_in` seconds.

    Raises GrantExceedsOwn, OwnerRequired, AlreadyMember, InvitationPending. A caller inside an
    organization invites into that one only.
    """
    confined = organization.id if organization else None
    invitation = Invitation(
        organization=organization, metadata=dict(metadata or {}), **inviters.sender(actor)
    )
    ports.authority.require(actor, "invitations:write", invitation)
    offered = list(roles)
    for role in offered:
        offerable(actor, role, confined)
    address = emails.read(email)
    refuse_member(address, organization)
    invitation.email, invitation.email_search = address.mailbox, address.canonical
    invitation.roles = [str(role.id) for role in offered]
    invitation.expires_at = timezone.now() + timedelta(seconds=expires_in)
    token = renew_token(invitation)
    with transaction.atomic():
        retire_expired(actor, address, confined)
        insert(invitation)
        tell("invitation.created", actor.actor, invitation)
        send(actor, invitation, token)
    return invitation


def offerable(actor: Principal, role: Role, organization_id: uuid.UUID | None) -> None:
    """Raise unless the actor may give the role there: nobody offers what they lack (threat A6)."""
    if guards.is_owner_role(role):
        guards.decides_about_owners(actor, organization_id)
    guards.may_grant(actor, role_selectors.granted(role, organization_id))
    role_services.belongs_there(role, organization_id)


def refuse_member(address: Address, organization: Organization | None) -> None:
    member = tenant_selectors.member_by_email(address.canonical)
    if member is None or member.status == MemberStatus.PENDING:
        return
    if (
        organization is None
        or organization_selectors.memberships(organization).filter(member=member).exists()
    ):
        raise AlreadyMember


def renew_token(invitation: Invitation) -> str:
    """Give the invitation a fresh token, which ends the one before; only its fingerprint stays."""
    token = secrets.new_token()
    invitation.token_fingerprint = secrets.fingerprint(token, selectors.PURPOSE)
    return token


def retire_expired(actor: Principal, address: Address, organization_id: uuid.UUID | None) -> None:
    """Record that an older invitation has run out, so that a new one may take its place."""
    past = selectors.invitations().filter(
        email_search=address.canonical,
        organization_id=organization_id,  # type: ignore[misc]  # null is a lawful lookup
        state=InvitationState.PENDING,
        expires_at__lte=timezone.now(),
    )
    for invitation in past.select_for_update():
        decide(invitation, InvitationState.EXPIRED)
        tell("invitation.expired", actor.actor, invitation)


def insert(invitation: Invitation) -> None:
    try:
        with transaction.atomic():
            invitation.save(force_insert=True)
    except IntegrityError:
        raise InvitationPending from None


def send(actor: Principal, invitation: Invitation, token: str) -> None:
    """Promise the mail; the link goes to the stored address only (threat L6), from our own origin (L3)."""
    link = absolute("tenant", "invitation", actor.tenant_slug) + f"?token={token}"
    organization = invitation.organization.name if invitation.organization else ""
    inviter = invitation.inviter.name if invitation.inviter else ""
    ports.mail.send(
        "invitation",
        invitation.email,
        tenant_id=invitation.tenant_id,
        organization_id=invitation.organization_id,
        context={
            "link": link,
            "inviter": inviter,
            "organization": organization,
            "days": max(1, round((invitation.expires_at - timezone.now()).total_seconds() / 86_400)),
        },
    )
    tell("invitation.sent", actor.actor, invitation)


def resend(*, actor: Principal, invitation: Invitation) -> Invitation:
    """Mail it again with a new link and its full lifetime; the old link stops working (L4).

    Whoever sends it again answers for it from then on. Raises InvitationGone for one that was decided.
    """
    ports.authority.require(actor, "invitations:write", invitation)
    with transaction.atomic():
        held = locked(selectors.invitations().filter(id=invitation.id))
        if held.state != InvitationState.PENDING:
            raise InvitationGone("It was accepted, declined or revoked. Invite the person anew.")
        for role in selectors.roles_of(held):
            offerable(actor, role, held.organization_id)
        for column, value in inviters.sender(actor).items():
            setattr(held, column, value)
        token, now = renew_token(held), timezone.now()
        held.expires_at = now + max(held.expires_at - held.sent_at, timedelta(seconds=SHORTEST))
        held.sent_at, held.sent_count = now, min(held.sent_count + 1, 32_000)
        held.save()
        send(actor, held, token)
    return held


def revoke(*, actor: Principal, invitation: Invitation) -> None:
    """Withdraw an invitation; its link stops working at once. Withdrawing it twice changes nothing."""
    ports.authority.require(actor, "invitations:write", invitation)
    with transaction.atomic():
        held = locked(selectors.invitations().filter(id=invitation.id))
        if held.state == InvitationState.PENDING:
            decide(held, InvitationState.REVOKED)
            tell("invitation.revoked", actor.actor, held, previous={"state": InvitationState.PENDING})


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


def locked(rows: QuerySet[Invitation]) -> Invitation:
    """Return the row, held until the transaction ends: an invitation is decided once."""
    found = rows.select_for_update().first()
    if found is None:
        raise InvitationGone
    return found


def decide(invitation: Invitation, state: InvitationState, *more: str) -> None:
    invitation.state, invitation.decided_at = state, timezone.now()
    invitation.save(update_fields=["state", "decided_at", "updated_at", *more])


def tell(event: str, actor: Actor, invitation: Invitation, *, previous: dict[str, Any] | None = None) -> None:
    emit(
        event,
        actor=actor,
        organization_id=invitation.organization_id,
        object=describe(invitation),
        previous=previous,
        personal={"email": invitation.email},
    )


def describe(invitation: Invitation) -> dict[str, Any]:
    organization = invitation.organization
    return {
        "id": invitation.public_id,
        "object": "invitation",
        "state": str(invitation.effective_state),
        "organization": organization.public_id if organization else None,
        "roles": [ids.encode(Role.PREFIX, uuid.UUID(text)) for text in invitation.roles],
        "member": invitation.member.subject if invitation.member else None,
        "expires_at": timestamp(invitation.expires_at),
    }
