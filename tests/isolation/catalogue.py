"""Reading PostgreSQL's catalogue: what row security really is in force, whatever the code says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connections

# Tables without customer data: the framework's own bookkeeping and two of ours.
PLAIN = {
    "django_migrations": "applied migrations",
    "django_content_type": "names of models",
    "auth_permission": "unused by us; installed with django.contrib.auth",
    "auth_group": "unused by us; installed with django.contrib.auth",
    "auth_group_permissions": "unused by us; installed with django.contrib.auth",
    "core_invalidation": "topics and keys of caches, no content",
    "identity_challenge": "keyed digests of challenges given out, naming nobody",
    "signin_attemptwindow": "counters under keyed hashes of accounts and networks",
}


@dataclass(frozen=True)
class Table:
    name: str
    columns: tuple[str, ...]
    secured: bool
    forced: bool
    owner: str
    is_partition: bool


def query(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connections["owner"].cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


def tables() -> list[Table]:
    rows = query("""
        SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity, r.rolname, c.relispartition,
               array(SELECT attname::text FROM pg_attribute a
                     WHERE a.attrelid = c.oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles r ON r.oid = c.relowner
        WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') ORDER BY 1
    """)
    return [
        Table(name, tuple(columns), on, forced, owner, part)
        for name, on, forced, owner, part, columns in rows
    ]


def scoped() -> list[Table]:
    """Every table that must be under row-level security, partitions left out."""
    return [table for table in tables() if table.name not in PLAIN and not table.is_partition]


def policies(table: str) -> list[tuple[str, str, str, bool]]:
    """Return (name, command, role, permissive) of each policy."""
    return query(
        """
        SELECT p.polname, p.polcmd::text, r.rolname, p.polpermissive
        FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
        JOIN LATERAL unnest(p.polroles) AS role(oid) ON true JOIN pg_roles r ON r.oid = role.oid
        WHERE c.relname = %s
        """,
        table,
    )
