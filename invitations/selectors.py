"""Reading invitations in the open tenant scope."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.db.models import QuerySet
from django.utils import timezone

from core import scope, secrets
from core.errors import NotFound
from invitations.models import Invitation, InvitationState
from roles import selectors as role_selectors
from roles.models import Role
from tenants.selectors import begins

PURPOSE = "invitation"


def invitations() -> QuerySet[Invitation]:
    return Invitation.objects.filter(tenant_id=scope.require_tenant())


def invitation(invitation_id: uuid.UUID) -> Invitation:
    """Return an invitation; raises NotFound."""
    found = invitations().filter(id=invitation_id).select_related("organization", "inviter", "member").first()
    if found is None:
        raise NotFound
    return found


def in_states(rows: QuerySet[Invitation], states: Iterable[str]) -> QuerySet[Invitation]:
    """Narrow to effective states: a pending one past its time is expired."""
    wanted, now = set(states), timezone.now()
    found = rows.none()
    if InvitationState.PENDING in wanted:
        found |= rows.filter(state=InvitationState.PENDING, expires_at__gt=now)
    if InvitationState.EXPIRED in wanted:
        found |= rows.filter(state=InvitationState.PENDING, expires_at__lte=now)
    return found | rows.filter(state__in=wanted - {InvitationState.PENDING})


def search(rows: QuerySet[Invitation], text: str) -> QuerySet[Invitation]:
    return rows.filter(begins("email_search", text))


def by_token(token: str) -> QuerySet[Invitation]:
    """Return the invitation of a mailed token, of this tenant only."""
    return invitations().filter(token_fingerprint__in=secrets.fingerprints(token, PURPOSE))


def is_invited(canonical: str) -> bool:
    """Whether an address, in its canonical form, has an open invitation to the tenant or into it."""
    rows = invitations().filter(email_search=canonical, state=InvitationState.PENDING)
    return rows.filter(expires_at__gt=timezone.now()).exists()


def proves(token: str, canonical: str) -> bool:
    """Whether the holder of this mailed token, still open, has the address: nobody else was sent it."""
    return (
        by_token(token)
        .filter(email_search=canonical, state=InvitationState.PENDING, expires_at__gt=timezone.now())
        .exists()
    )


def roles_of(invitation: Invitation) -> list[Role]:
    """Return the roles offered that still exist, in the order they were named."""
    wanted = [uuid.UUID(text) for text in invitation.roles]
    known = {role.id: role for role in role_selectors.roles().filter(id__in=wanted)}
    return [known[role_id] for role_id in wanted if role_id in known]
