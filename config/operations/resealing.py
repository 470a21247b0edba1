"""Sealing anew what lies under an older key of SECRET_KEYS, so that the older key can be taken away.

It works as the role owner, row by row, beside running processes: a value that changed meanwhile is left to its
writer. Every sealed column stands in `COLUMNS`; a test holds the models to it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.conf import settings
from django.core.management import CommandError
from django.db import connections

from core import crypto

BATCH = 500


@dataclass(frozen=True)
class Column:
    """Where sealed values stand; `context` is the place that seals them, with {tenant} and {id} to fill in."""

    table: str
    name: str
    context: tuple[str, ...]
    tenant: str = "NULL"  # the expression that gives the row's tenant


def _usual(table: str, name: str = "sealed", *, by_tenant: bool = False) -> Column:
    tenant = "tenant_id" if by_tenant else "NULL"
    return Column(table, name, ("{tenant}", table, name, "{id}"), tenant)


COLUMNS = (
    Column("tenants_tenant", "data_key", ("{id}", "tenant", "data_key")),
    Column("tenants_tenant", "previous_data_key", ("{id}", "tenant", "data_key")),
    Column("core_job", "sealed", ("core_job", "sealed", "{id}")),
    _usual("core_idempotencyrecord", "sealed_body", by_tenant=True),
    _usual("core_idempotencyrecord", "sealed_secret", by_tenant=True),
    _usual("identity_totpdevice", "sealed_key"),
    _usual("identity_emailclaim"),
    _usual("identity_contactclaim"),
    _usual("oauth_pushedrequest", by_tenant=True),
    _usual("portal_dataexport"),
    _usual("signin_signinflow", by_tenant=True),
)


def reseal_all() -> Mapping[str, int]:
    """Return by column how many values were sealed anew. Raises CommandError for one that no key opens."""
    if "owner" not in connections:
        raise CommandError("DATABASE_OWNER_URL is not set. Values are sealed anew as the role owner.")
    return {f"{column.table}.{column.name}": sum(_batches(column)) for column in COLUMNS}


def _batches(column: Column) -> Iterator[int]:
    """Go through the rows by id; each batch is a transaction of its own and can be repeated."""
    last = "00000000-0000-0000-0000-000000000000"
    while rows := _older(column, last):
        yield sum(_reseal(column, *row) for row in rows)
        last = str(rows[-1][0])


def _older(column: Column, last: str) -> list[tuple[uuid.UUID, uuid.UUID | None, bytes]]:
    """Return rows behind `last` whose value begins with another key than the one that seals now."""
    header = crypto.present_header()
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            f"SELECT id, {column.tenant}, {column.name} FROM {column.table}"  # noqa: S608 — names of our own
            f" WHERE {column.name} IS NOT NULL AND substr({column.name}, 1, %s) <> %s AND id > %s"
            " ORDER BY id LIMIT %s",
            [len(header), header, last, BATCH],
        )
        found: list[tuple[uuid.UUID, uuid.UUID | None, bytes]] = cursor.fetchall()
    return found


def _reseal(column: Column, row_id: uuid.UUID, tenant_id: uuid.UUID | None, blob: bytes) -> int:
    places = [part.format(tenant=tenant_id or "", id=row_id) for part in column.context]
    try:
        renewed = crypto.reseal(bytes(blob), places)
    except crypto.SealError:
        known = ", ".join(key_id for key_id, _ in settings.SECRET_KEYS)
        raise CommandError(
            f"{column.table}.{column.name} of {row_id} does not open with SECRET_KEYS {known}."
        ) from None
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            f"UPDATE {column.table} SET {column.name} = %s WHERE id = %s AND {column.name} = %s",  # noqa: S608
            [renewed, row_id, bytes(blob)],
        )
        changed: int = cursor.rowcount
    return changed
