"""How far a session reaches that a connection opened: while it is active, and in its organization only (F6, F7)."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db.models import Exists, Q, QuerySet

from federation.models import Connection, ConnectionStatus, UpstreamIdentity
from organizations.models import OrganizationStatus


def live(connection_id: uuid.UUID, account_id: uuid.UUID, auth_time: datetime) -> Connection | None:
    """Return the connection whose sign-in of then is still good, in the open tenant scope; None where it is not.

    It must be active since, and the person linked since: who is unlinked and linked again signs in again, and so
    does who had their second factors reset.
    """
    linked = UpstreamIdentity.objects.filter(
        Q(valid_after=None) | Q(valid_after__lt=auth_time),
        connection_id=connection_id,
        member__account_id=account_id,
        created_at__lte=auth_time,
    )
    return open_ones(connection_id, auth_time).filter(Exists(linked)).first()


def open_ones(connection_id: uuid.UUID, moment: datetime) -> QuerySet[Connection]:
    """Return the connection if a sign-in of this moment may come by it."""
    rows = Connection.objects.filter(id=connection_id, status=ConnectionStatus.ACTIVE)
    rows = rows.filter(Q(valid_after=None) | Q(valid_after__lt=moment))
    return rows.filter(Q(organization=None) | Q(organization__status=OrganizationStatus.ACTIVE))


def hold(connection_id: uuid.UUID, account_id: uuid.UUID, auth_time: datetime) -> Connection | None:
    """As `live`, and nobody switches it off before this transaction ends: what it opens now will be ended then."""
    list(
        Connection.objects.filter(id=connection_id).select_for_update(no_key=True, of=("self",)).values("id")
    )
    return live(connection_id, account_id, auth_time)


def admits(connection_id: uuid.UUID | None, organization_id: uuid.UUID | None) -> bool:
    """Whether a session of this connection may work in an organization, or with None in none of them."""
    found = Connection.objects.filter(id=connection_id) if connection_id else Connection.objects.none()
    return found.filter(Q(organization=None) | Q(organization_id=organization_id)).exists()
