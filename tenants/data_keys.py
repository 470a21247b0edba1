"""The key under which a tenant's own secrets are sealed, and its rotation (TEN-09).

Whatever seals under it names its table and column here, so that a rotation leaves nothing behind. The key before
goes on opening: what another process sealed while a rotation ran is sealed anew by the next one.
"""

from __future__ import annotations

import uuid

from django.db import connection, transaction

from core import crypto, scope
from core.principal import Actor
from events.services import emit
from tenants.models import Tenant

_held: dict[tuple[str, str], None] = {("tenants_signingkey", "sealed_private"): None}


def holds(table: str, column: str) -> None:
    """Name a column of bytes that is sealed in the context (table, column, row)."""
    _held[table, column] = None


def held() -> list[tuple[str, str]]:
    return list(_held)


def sealer(tenant_id: uuid.UUID) -> crypto.TenantSealer:
    """Return what seals and opens under the data key of the open tenant."""
    current, before = Tenant.objects.values_list("data_key", "previous_data_key").get(id=tenant_id)
    return crypto.TenantSealer(bytes(current), str(tenant_id), [bytes(before)] if before else [])


@transaction.atomic
def rotate(*, actor: Actor) -> int:
    """Give the open tenant a new data key and seal everything under it; returns how many values. Raises SealError.

    All of it commits together or not at all.
    """
    tenant = Tenant.objects.select_for_update().get(id=scope.require_tenant())
    old = [bytes(tenant.data_key), *([bytes(tenant.previous_data_key)] if tenant.previous_data_key else [])]
    fresh = crypto.new_data_key(str(tenant.id))
    renewed = crypto.TenantSealer(fresh, str(tenant.id), old)
    count = sum(_reseal(renewed, tenant.id, *place) for place in _held)
    tenant.data_key, tenant.previous_data_key = fresh, old[0]
    tenant.save(update_fields=["data_key", "previous_data_key", "updated_at"])
    emit(
        "tenant.data_key.rotated",
        actor=actor,
        object={"id": tenant.public_id, "object": "tenant", "values": count},
    )
    return count


def _reseal(sealer: crypto.TenantSealer, tenant_id: uuid.UUID, table: str, column: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, {column} FROM {table} WHERE tenant_id = %s FOR UPDATE", [tenant_id])  # noqa: S608
        rows = cursor.fetchall()
        for row_id, blob in rows:
            renewed = sealer.reseal(bytes(blob), (table, column, str(row_id)))
            cursor.execute(f"UPDATE {table} SET {column} = %s WHERE id = %s", [renewed, row_id])  # noqa: S608
    return len(rows)
