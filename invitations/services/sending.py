"""Inviting, sending again, withdrawing: what the tenant's own people do (USR-02)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from core import ports, secrets
from core.principal import Principal
from core.uniqueness import unique_or
from core.urls import absolute
from identity import emails
from identity.emails import Address
from invitations import inviters, selectors
from invitations.errors import AlreadyMember, InvitationGone, InvitationPending
from invitations.models import Invitation, InvitationState
from invitations.services.records import decide, locked, tell
from organizations import selectors as organization_selectors
from organizations.models import Organization
from roles import guards
from roles import selectors as role_selectors
from roles import services as role_services
from roles.models import Role
from tenants import selectors as tenant_selectors
from tenants.models import MemberStatus

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
    return open_one(actor, invitation, address)


def open_one(actor: Principal, invitation: Invitation, address: Address) -> Invitation:
    """Insert the invitation in the place of one that ran out, and promise its mail."""
    token = renew_token(invitation)
    with transaction.atomic():
        retire_expired(actor, address, invitation.organization_id)
        with unique_or(InvitationPending):
            invitation.save(force_insert=True)
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
