"""Creates the database and its five roles; safe to run again at any time.

It connects as an administrator (a superuser, or a role with CREATEDB and CREATEROLE on PostgreSQL 16
or later) and imports no Django, so that the launchers can use it before settings can load.

Only `claviger_owner` may create tables. `claviger_router` owns the lookup functions: it cannot sign
in and has no CREATE on the schema; a migration that hands it a function grants CREATE, changes the
owner and revokes it again in one transaction, which the owner may do because it owns the schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

OWNER, APP, RELAY, BACKUP, ROUTER = (
    "claviger_owner",
    "claviger_app",
    "claviger_relay",
    "claviger_backup",
    "claviger_router",
)
LOGINS = (OWNER, APP, RELAY, BACKUP)
# Two provisioners at once would trip over each other's CREATE ROLE.
LOCK = 0x636C6176

# Long waits must end by themselves: a stuck request may not hold row locks, nor a migration the table.
ROLE_SETTINGS: dict[str, dict[str, str]] = {
    OWNER: {"lock_timeout": "10s", "idle_in_transaction_session_timeout": "5min"},
    APP: {
        "statement_timeout": "30s",
        "lock_timeout": "10s",
        "idle_in_transaction_session_timeout": "30s",
    },
    RELAY: {
        "statement_timeout": "60s",
        "lock_timeout": "10s",
        "idle_in_transaction_session_timeout": "60s",
    },
    BACKUP: {"idle_in_transaction_session_timeout": "10min", "default_transaction_read_only": "on"},
}


def provision(admin_conninfo: str, database: str, passwords: Mapping[str, str]) -> None:
    """Create or correct roles and database; `passwords` maps each of `LOGINS` to its password."""
    provision_roles(admin_conninfo, passwords)
    create_database(admin_conninfo, database)
    secure_database(admin_conninfo, database)


def provision_roles(admin_conninfo: str, passwords: Mapping[str, str]) -> None:
    """Create the roles of the cluster, or set their attributes, passwords and timeouts again."""
    with psycopg.connect(admin_conninfo) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        for role in LOGINS:
            _role(connection, role, passwords[role])
        _role(connection, ROUTER, None)
        # Migrations create and replace functions for the router; no one else may become it.
        _run(connection, "GRANT {} TO {} WITH INHERIT TRUE, SET TRUE", ROUTER, OWNER)
        if not _is_superuser(connection):
            # Only a role that may become the owner can create a database for it.
            _run(connection, "GRANT {} TO CURRENT_USER WITH INHERIT TRUE, SET TRUE", OWNER)


def create_database(admin_conninfo: str, database: str, *, template: str = "template0") -> bool:
    """Create the database for the owner unless it exists; returns whether it was created.

    The C.UTF-8 locale makes prefix ranges usable by plain indexes and sorts alike on every machine.
    """
    with psycopg.connect(admin_conninfo, autocommit=True) as connection:
        if _exists(connection, "SELECT 1 FROM pg_database WHERE datname = %s", database):
            return False
        locale = (
            ""
            if template != "template0"
            else (" ENCODING 'UTF8' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'")
        )
        try:
            _run(connection, "CREATE DATABASE {} OWNER {} TEMPLATE {}" + locale, database, OWNER, template)
        except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
            return False  # another provisioner was faster
        return True


def secure_database(admin_conninfo: str, database: str) -> None:
    """Take PUBLIC's rights away and let the roles connect; a copied database needs this again."""
    with psycopg.connect(make_conninfo(admin_conninfo, dbname=database)) as connection:
        _run(connection, "SET LOCAL ROLE {}", OWNER)
        _run(connection, "REVOKE ALL ON DATABASE {} FROM PUBLIC", database)
        _run(connection, "REVOKE ALL ON SCHEMA public FROM PUBLIC")
        for role in (APP, RELAY, BACKUP):
            _run(connection, "GRANT CONNECT ON DATABASE {} TO {}", database, role)
        for role in (APP, RELAY, BACKUP, ROUTER):
            _run(connection, "GRANT USAGE ON SCHEMA public TO {}", role)
        # A dump locks every table and reads every sequence, those of Django too; row policies still decide
        # which rows the role sees.
        for what in ("TABLES", "SEQUENCES"):
            _run(connection, f"GRANT SELECT ON ALL {what} IN SCHEMA public TO {{}}", BACKUP)
            _run(
                connection,
                f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON {what} TO {{}}",
                BACKUP,
            )


def _role(connection: psycopg.Connection[Any], role: str, password: str | None) -> None:
    attributes = "NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOREPLICATION"
    if not _is_superuser(connection):
        attributes = "NOCREATEDB NOCREATEROLE"  # the others are off, and only a superuser may name them
    verb = "ALTER" if _exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", role) else "CREATE"
    login = sql.SQL("NOLOGIN") if password is None else sql.SQL("LOGIN PASSWORD {}").format(password)
    statement = sql.SQL(f"{verb} ROLE {{}} {attributes} ").format(sql.Identifier(role)) + login
    connection.execute(statement)
    for name, value in ROLE_SETTINGS.get(role, {}).items():
        _run(connection, f"ALTER ROLE {{}} SET {name} = '{value}'", role)


def _run(connection: psycopg.Connection[Any], statement: str, *names: str) -> None:
    composed = sql.SQL(statement)
    connection.execute(composed.format(*map(sql.Identifier, names)))


def _exists(connection: psycopg.Connection[Any], query: str, name: str) -> bool:
    return connection.execute(query, [name]).fetchone() is not None


def _is_superuser(connection: psycopg.Connection[Any]) -> bool:
    return connection.info.parameter_status("is_superuser") == "on"
