"""Reading connections and what hangs on them; the open scope decides which are seen."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import Count, QuerySet

from core import scope
from core.errors import NotFound
from core.principal import Principal
from federation.models import Attempt, Connection, Exemption, UpstreamIdentity
from organizations.models import Organization
from roles.permissions import Permission


def connections() -> QuerySet[Connection]:
    return Connection.objects.filter(tenant_id=scope.require_tenant())


def connection(connection_id: uuid.UUID) -> Connection:
    """Return a connection; raises NotFound."""
    found = connections().select_related("organization").filter(id=connection_id).first()
    if found is None:
        raise NotFound
    return found


def visible(caller: Principal) -> QuerySet[Connection]:
    """Return the connections that the caller may know of: those of the tenant take the permission for policies."""
    rows = connections().select_related("organization")
    return rows if caller.may(Permission.POLICIES_READ) else rows.exclude(organization=None)


def of_caller(caller: Principal, connection_id: uuid.UUID) -> Connection:
    """Return a connection that the caller may know of; raises NotFound."""
    found = visible(caller).filter(id=connection_id).first()
    if found is None:
        raise NotFound
    return found


def of_place(organization: Organization | None) -> QuerySet[Connection]:
    """Return the connections of one organization, or of the tenant as a whole."""
    return connections().filter(organization=organization)


def identities(**narrowed: Any) -> QuerySet[UpstreamIdentity]:
    rows = UpstreamIdentity.objects.filter(tenant_id=scope.require_tenant(), **narrowed)
    return rows.select_related("connection", "member")


def identity(identity_id: uuid.UUID, **narrowed: Any) -> UpstreamIdentity:
    """Return a linked identity; raises NotFound."""
    found = identities(id=identity_id, **narrowed).first()
    if found is None:
        raise NotFound
    return found


def exemptions(connection: Connection) -> QuerySet[Exemption]:
    return Exemption.objects.filter(connection=connection).select_related("member")


def exemption(connection: Connection, exemption_id: uuid.UUID) -> Exemption:
    """Return one exemption; raises NotFound."""
    found = exemptions(connection).filter(id=exemption_id).first()
    if found is None:
        raise NotFound
    return found


def with_counts(rows: QuerySet[Connection]) -> list[tuple[Connection, int]]:
    """Return connections with how many people are linked by them."""
    found = list(rows)
    counted = UpstreamIdentity.objects.filter(connection__in=found).values("connection_id")
    numbers = {one["connection_id"]: one["n"] for one in counted.annotate(n=Count("id"))}
    return [(row, numbers.get(row.id, 0)) for row in found]


def attempt(connection: Connection, attempt_id: uuid.UUID) -> Attempt:
    """Return one attempt; raises NotFound."""
    found = Attempt.objects.filter(connection=connection, id=attempt_id).first()
    if found is None:
        raise NotFound
    return found
