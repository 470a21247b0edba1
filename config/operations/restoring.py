"""Filling an empty database from a dump, and proving what came back."""

from __future__ import annotations

from pathlib import Path

from django.core.management import CommandError
from django.db import connections

from config.operations import postgres
from core import scope
from core.crypto import SealError
from core.rls import ROUTER
from tenants import keys
from tenants.models import Tenant


def require_empty() -> None:
    """Raise CommandError unless the owner's database holds no table."""
    if "owner" not in connections:
        raise CommandError("DATABASE_OWNER_URL is not set. A restore works as the role owner.")
    names = connections["owner"].introspection.table_names()
    if names:
        raise CommandError(
            f"The database is not empty: it holds {len(names)} tables. Restore into a new one."
        )


def load(dump: Path) -> None:
    """Load the dump in one transaction, with every owner, right and policy as it was."""
    # A new owner of a function needs CREATE on its schema, and only while it becomes one.
    _as_owner(f"GRANT CREATE ON SCHEMA public TO {ROUTER}")
    try:
        postgres.run("pg_restore", "owner", "--exit-on-error", "--single-transaction", str(dump))
    finally:
        _as_owner(f"REVOKE CREATE ON SCHEMA public FROM {ROUTER}")


def _as_owner(statement: str) -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute(statement)


def open_secrets() -> int:
    """Open the signing keys of every tenant; returns how many tenants. Raises CommandError."""
    with scope.operator():
        tenants = list(Tenant.objects.values_list("id", "slug"))
    for tenant_id, slug in tenants:
        try:
            keys.key_set(tenant_id)
        except SealError:
            raise CommandError(f"The signing keys of {slug} do not open with SECRET_KEYS.") from None
    return len(tenants)
