"""Raw SQL as the runtime role, with the settings of a scope and none of our code in between."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connections
from psycopg import sql


@contextmanager
def as_app(
    *, tenant: uuid.UUID | None = None, organization: str = "", account: uuid.UUID | None = None
) -> Iterator[psycopg.Cursor[Any]]:
    """Open a connection of the runtime role inside a transaction that is rolled back."""
    with psycopg.connect(**parameters("default")) as connection, connection.cursor() as cursor:
        for name, value in (
            ("tenant_id", tenant),
            ("organization_id", organization),
            ("account_id", account),
        ):
            if value:
                cursor.execute("SELECT set_config(%s, %s, true)", [f"app.{name}", str(value)])
        yield cursor
        connection.rollback()


def parameters(alias: str) -> dict[str, Any]:
    known = connections[alias].get_connection_params()
    return {
        key: value for key, value in known.items() if key in ("dbname", "user", "password", "host", "port")
    }


def count(cursor: psycopg.Cursor[Any], table: str, where: str = "true") -> int:
    statement = sql.SQL("SELECT count(*) FROM {} WHERE " + where).format(sql.Identifier(table))
    row = cursor.execute(statement).fetchone()
    assert row is not None
    return int(row[0])


def refused(cursor: psycopg.Cursor[Any], statement: sql.Composable) -> bool:
    """Whether PostgreSQL refused the statement for want of privilege or by a policy."""
    cursor.execute("SAVEPOINT attempt")
    try:
        cursor.execute(statement)
    except psycopg.errors.InsufficientPrivilege:
        return True
    finally:
        cursor.execute("ROLLBACK TO SAVEPOINT attempt")
    return False


def changed(cursor: psycopg.Cursor[Any], statement: sql.Composable) -> int:
    """Return how many rows a statement changed; a refusal by privilege changes none."""
    cursor.execute("SAVEPOINT attempt")
    try:
        cursor.execute(statement)
        return cursor.rowcount
    except psycopg.errors.InsufficientPrivilege:
        return 0
    finally:
        cursor.execute("ROLLBACK TO SAVEPOINT attempt")
