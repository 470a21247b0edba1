"""What invitations add to the apps below: they end with the organization they lead to."""

from __future__ import annotations

from core.principal import Principal
from invitations import selectors, services
from invitations.models import InvitationState
from organizations.models import Organization
from organizations.services import before_ending


@before_ending
def end(actor: Principal, organization: Organization) -> None:
    """Withdraw what still leads into an organization that ends."""
    open_ones = selectors.invitations().filter(organization=organization, state=InvitationState.PENDING)
    for invitation in open_ones.select_for_update():
        services.decide(invitation, InvitationState.REVOKED)
        services.tell(
            "invitation.revoked", actor.actor, invitation, previous={"state": InvitationState.PENDING}
        )
