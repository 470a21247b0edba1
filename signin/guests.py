"""Guests (AUT-11): a member without an address, whom nothing but this browser's session can bring back.

Linking an address at their own pages makes them an ordinary account; the subject stays what it is.
"""

from __future__ import annotations

from core import ids, scope
from core.network import current_network
from core.principal import Actor
from identity import methods
from identity import services as accounts
from identity.emails import Address
from identity.sessions import SessionRef
from signin import entry, limits
from signin import methods as doors
from signin.entry import SignedInPerson
from signin.interaction import Interaction
from signin.limits import Attempt
from tenants import members
from tenants.selectors import TenantRef

NOBODY = Address("", "")


def enter(
    *, tenant: TenantRef, interaction: Interaction, present: SessionRef | None = None
) -> SignedInPerson:
    """Make a guest of this tenant and let them in at acr 0. Raises MethodDisabled, TooManyAttempts."""
    doors.check(tenant, interaction, methods.GUEST)
    limits.take([Attempt(limits.GUEST_NETWORK, current_network())])
    account = accounts.create_guest()
    with scope.tenant(tenant.id):
        subject = ids.new_subject()
        members.create_member(actor=Actor("guest", subject), email="", account_id=account.id, subject=subject)
    opened = entry.open_session(account_id=account.id, remember=False, present=present, method=methods.GUEST)
    return SignedInPerson(account.id, opened, NOBODY, False, interaction)
