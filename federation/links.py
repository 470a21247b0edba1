"""Undoing links between members and people at a connection's provider."""

from __future__ import annotations

from django.db import transaction

from core import ports
from core.principal import Principal
from events.services import emit
from federation import arrivals, bound, closing, doors
from federation.errors import LastWayIn
from federation.models import UpstreamIdentity
from federation.services import needed


def unlink(*, actor: Principal, identity: UpstreamIdentity) -> None:
    """Undo a link: one's own, or as an administrator. What was opened by it ends, and authenticators that
    were bound to it go.

    Raises LastWayIn for the person's own last way into the tenant.
    """
    is_own = identity.member_id == actor.member_id and not actor.is_admin_page
    if is_own:
        _keep_a_way(identity)
    else:
        ports.authority.require(actor, needed(identity.connection), identity.connection)
    with transaction.atomic():
        gone = arrivals.describe(identity)
        UpstreamIdentity.objects.filter(id=identity.id).delete()
        emit("identity.unlinked", actor=actor.actor, object=gone, organization_id=identity.organization_id)
        of = {"connection_id": identity.connection_id, "member_id": identity.member_id}
        closing.close_opened(actor=actor, reason="unlinked", **of)
        bound.drop_of_members([identity.member_id], [identity.connection_id], "unlinked")


def _keep_a_way(identity: UpstreamIdentity) -> None:
    """Raise LastWayIn where methods of one's own would not be taken, and no other link is left."""
    member = identity.member
    others = UpstreamIdentity.objects.filter(member=member).exclude(id=identity.id)
    if others.exists():
        return
    door = doors.demanded(member.tenant_id, [member.email.rpartition("@")[2].casefold()])
    is_refused = door is not None and doors.exemption_of(door, member.id) is None
    if identity.made_member or is_refused:
        raise LastWayIn
