"""What invitations add to the apps below: they end with the organization they lead to, and are forgotten."""

from __future__ import annotations

from django.db.models import Q

from core.principal import Principal
from invitations import selectors
from invitations.models import InvitationState
from invitations.services.records import decide, tell
from organizations.models import Organization
from organizations.services import before_ending
from tenants.erasure import on_erasure
from tenants.models import Member


@before_ending
def end(actor: Principal, organization: Organization) -> None:
    """Withdraw what still leads into an organization that ends."""
    open_ones = selectors.invitations().filter(organization=organization, state=InvitationState.PENDING)
    for invitation in open_ones.select_for_update():
        decide(invitation, InvitationState.REVOKED)
        tell("invitation.revoked", actor.actor, invitation, previous={"state": InvitationState.PENDING})


@on_erasure
def forget(member: Member) -> list[str]:
    """Empty decided invitations of the member's address; one that is still open is somebody's intention."""
    mine = Q(member=member) | (
        Q(email_search=member.email_search) if member.email_search else Q(member=member)
    )
    rows = selectors.invitations().filter(mine).exclude(state=InvitationState.PENDING)
    found = [row.public_id for row in rows]
    rows.update(email="", email_search="", metadata={})
    return found
