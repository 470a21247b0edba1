"""What every verb of invitations does to the row: hold it, decide it once, tell of it."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from core import ids
from core.api.fields import timestamp
from core.principal import Actor
from events.services import emit
from invitations.errors import InvitationGone
from invitations.models import Invitation, InvitationState
from roles.models import Role


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
