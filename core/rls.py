"""Migration operations that put PostgreSQL row-level security under every table.

Each table is on one of three lists: tenant rows (`TenantTable`), person rows (`PersonTable`), or plain
(`PlainTable`, no customer data). A catalogue test fails on any table that is on none. Database roles:
owner (migrations, explicit policy on each forced table), app (web and workers), relay (named policies
only), router (owns the lookup functions), backup (reads). See docs/decisions for the proof.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from django.db.migrations.operations.base import Operation

OWNER, APP, RELAY, ROUTER, BACKUP = (
    "claviger_owner",
    "claviger_app",
    "claviger_relay",
    "claviger_router",
    "claviger_backup",
)
TENANT = "(SELECT nullif(current_setting('app.tenant_id', true), '')::uuid)"
ACCOUNT = "(SELECT nullif(current_setting('app.account_id', true), '')::uuid)"
OPERATOR = "(SELECT current_setting('app.operator', true) = 'on')"
# A boolean of its own: as a comparison inside an OR, the planner would expect it to hold for few rows.
ALL = "(SELECT current_setting('app.organization_id', true) = 'all')"
ONE = "(SELECT nullif(nullif(current_setting('app.organization_id', true), ''), 'all')::uuid)"


class Organizations(StrEnum):
    """What an organization-level principal sees of a tenant's table."""

    HIDDEN = "hidden"  # nothing: tenant-level principals only
    OWN = "own"  # rows whose organization_id is its own
    OWN_OR_SHARED = "own_or_shared"  # its own rows; rows of no organization may be read, not written
    SHARED = "shared"  # may read all, write none
    SHARED_WRITE = "shared_write"  # reads and writes like a tenant-level caller
    MEMBERSHIP = "membership"  # rows of members who belong to it


class _Sql(Operation):
    """An operation that changes the database only, from a model's present table."""

    reduces_to_sql = True
    reversible = True

    def state_forwards(self, app_label: str, state: Any) -> None:
        return None

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        for statement in self.forwards(self.table(app_label, to_state)):
            schema_editor.execute(statement)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        for statement in self.backwards(self.table(app_label, from_state)):
            schema_editor.execute(statement)

    def table(self, app_label: str, state: Any) -> str:
        return table_of(state, app_label, self.model)  # type: ignore[attr-defined]

    def forwards(self, table: str) -> list[str]:
        raise NotImplementedError

    def backwards(self, table: str) -> list[str]:
        return []

    def describe(self) -> str:
        return f"{type(self).__name__} {getattr(self, 'model', '')}"


def table_of(state: Any, app_label: str, model: str) -> str:
    """Return the table of `Model` or `app.Model` in a migration's state."""
    app, _, name = model.rpartition(".")
    return str(state.apps.get_model(app or app_label, name)._meta.db_table)


def _force(table: str) -> list[str]:
    return [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY owner_all ON {table} TO {OWNER} USING (true) WITH CHECK (true)",
        f"CREATE POLICY backup_read ON {table} FOR SELECT TO {BACKUP} USING (true)",
        f"GRANT SELECT ON {table} TO {BACKUP}",
    ]


def _grant(table: str, privileges: str) -> list[str]:
    return [f"GRANT {privileges} ON {table} TO {APP}"] if privileges else []


def organization_policy(
    table: str, mode: Organizations, exempt: str, column: str = "organization_id"
) -> list[str]:
    """Return the RESTRICTIVE policy of a mode; `exempt` is SQL for rows the policy lets pass as they are."""
    if mode is Organizations.SHARED_WRITE:
        return []
    rows = {
        Organizations.HIDDEN: ALL,
        Organizations.OWN: f"({ALL} OR {column} = {ONE})",
        Organizations.OWN_OR_SHARED: f"({ALL} OR {column} = {ONE})",
        Organizations.SHARED: ALL,
        Organizations.MEMBERSHIP: (
            f"({ALL} OR EXISTS (SELECT 1 FROM organizations_membership m"
            f" WHERE m.member_id = {table}.id AND m.organization_id = {ONE}))"
        ),
    }[mode]
    test = f"({rows} OR {exempt})" if exempt else rows
    head = f"CREATE POLICY organization_{{0}} ON {table} AS RESTRICTIVE FOR {{1}} TO {APP} "
    read = f"({TENANT} IS NOT NULL" + (f" OR {exempt})" if exempt else ")")
    shared = f"({test} OR ({column} IS NULL AND {TENANT} IS NOT NULL))"
    seen = {Organizations.SHARED: read, Organizations.OWN_OR_SHARED: shared}.get(mode, test)
    written = ALL if mode is Organizations.MEMBERSHIP else test
    return [
        head.format("read", "SELECT") + f"USING ({seen})",
        head.format("insert", "INSERT") + f"WITH CHECK ({written})",
        head.format("update", "UPDATE") + f"USING ({test}) WITH CHECK ({test})",
        head.format("delete", "DELETE") + f"USING ({written})",
    ]


class TenantTable(_Sql):
    """Force row-level security by tenant, and by organization in one of the four modes.

    `account_read` is SQL that admits rows to a person's own account scope, for SELECT only.
    `app` are the runtime role's privileges; append-only tables take "SELECT, INSERT".
    """

    def __init__(
        self,
        model: str,
        *,
        organizations: Organizations = Organizations.HIDDEN,
        app: str = "SELECT, INSERT, UPDATE, DELETE",
        column: str = "tenant_id",
        account_read: str = "",
        operator: str = "",
        references: bool = True,
        organization_column: str = "organization_id",
    ) -> None:
        self.model, self.organizations, self.app, self.column = model, organizations, app, column
        self.account_read, self.operator, self.references = account_read, operator, references
        self.organization_column = organization_column

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        keys = (
            "organizations", "app", "column", "account_read", "operator", "references", "organization_column",
        )  # fmt: skip
        return type(self).__name__, [self.model], {key: getattr(self, key) for key in keys}

    def forwards(self, table: str) -> list[str]:
        rows = f"{self.column} = {TENANT}"
        exempt = " OR ".join(filter(None, [self.account_read, self.operator and OPERATOR]))
        statements = _force(table) + _grant(table, self.app)
        statements.append(f"CREATE POLICY tenant_rows ON {table} TO {APP} USING ({rows}) WITH CHECK ({rows})")
        statements += organization_policy(table, self.organizations, exempt, self.organization_column)
        if self.column == "tenant_id":
            statements.append(f"ALTER TABLE {table} ADD CONSTRAINT {table}_tenant_key UNIQUE (tenant_id, id)")
            if self.references:
                statements.append(
                    f"ALTER TABLE {table} ADD CONSTRAINT {table}_tenant_fk FOREIGN KEY (tenant_id)"
                    " REFERENCES tenants_tenant (id)"
                )
        if self.account_read:
            statements.append(
                f"CREATE POLICY account_read ON {table} FOR SELECT TO {APP} USING ({self.account_read})"
            )
        if self.operator:
            statements.append(
                f"CREATE POLICY operator_rows ON {table} FOR {self.operator} TO {APP} USING ({OPERATOR})"
                + ("" if self.operator == "SELECT" else f" WITH CHECK ({OPERATOR})")
            )
        return statements


class OrganizationMode(_Sql):
    """Change the organization mode of a table that a lower app created (as Member, by `organizations`)."""

    def __init__(self, model: str, mode: Organizations, *, account_read: str = "") -> None:
        self.model, self.mode, self.account_read = model, mode, account_read

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.model, self.mode], {"account_read": self.account_read}

    def forwards(self, table: str) -> list[str]:
        drops = [
            f"DROP POLICY organization_{verb} ON {table}" for verb in ("read", "insert", "update", "delete")
        ]
        return drops + organization_policy(table, self.mode, self.account_read)


class PersonTable(_Sql):
    """Force row-level security by the person: rows of `app.account_id` only."""

    def __init__(
        self, model: str, *, column: str = "account_id", app: str = "SELECT, INSERT, UPDATE, DELETE"
    ) -> None:
        self.model, self.column, self.app = model, column, app

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.model], {"column": self.column, "app": self.app}

    def forwards(self, table: str) -> list[str]:
        rows = f"{self.column} = {ACCOUNT}"
        return [
            *_force(table),
            *_grant(table, self.app),
            f"CREATE POLICY account_rows ON {table} TO {APP} USING ({rows}) WITH CHECK ({rows})",
        ]


class ForcedTable(_Sql):
    """Force row-level security with no policy for the runtime role but those the migration adds itself."""

    def __init__(self, model: str, *, app: str = "SELECT") -> None:
        self.model, self.app = model, app

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.model], {"app": self.app}

    def forwards(self, table: str) -> list[str]:
        return [*_force(table), *_grant(table, self.app)]


class SharedTable(_Sql):
    """Rows that belong to a tenant or to a person (exactly one is set): events, jobs, mail."""

    def __init__(self, model: str, *, app: str = "SELECT, INSERT") -> None:
        self.model, self.app = model, app

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.model], {"app": self.app}

    def forwards(self, table: str) -> list[str]:
        rows = f"(tenant_id = {TENANT} OR account_id = {ACCOUNT} OR (tenant_id IS NULL AND {OPERATOR}))"
        return [
            *_force(table),
            *_grant(table, self.app),
            f"CREATE POLICY scope_rows ON {table} TO {APP} USING ({rows}) WITH CHECK ({rows})",
        ]


class PlainTable(_Sql):
    """A table on the short list without customer data; the runtime role gets `app` privileges."""

    def __init__(self, model: str, *, app: str = "SELECT") -> None:
        self.model, self.app = model, app

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.model], {"app": self.app}

    def forwards(self, table: str) -> list[str]:
        return [*_grant(table, self.app), f"GRANT SELECT ON {table} TO {BACKUP}"]


class RelayAccess(_Sql):
    """Give the relay role named access: `privileges` such as "SELECT, UPDATE" under one policy."""

    def __init__(self, model: str, privileges: str, *, rows: str = "true", columns: str = "") -> None:
        self.model, self.privileges, self.rows, self.columns = model, privileges, rows, columns

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (
            type(self).__name__,
            [self.model, self.privileges],
            {"rows": self.rows, "columns": self.columns},
        )

    def forwards(self, table: str) -> list[str]:
        policy = (
            f"CREATE POLICY relay_rows ON {table} TO {RELAY} USING ({self.rows}) WITH CHECK ({self.rows})"
        )
        shown = f"{self.privileges} ({self.columns})" if self.columns else self.privileges
        return [policy, f"GRANT {shown} ON {table} TO {RELAY}"]


class RouterColumns(_Sql):
    """Let the lookup functions' owner read key columns of a table, and nothing else of it."""

    def __init__(self, model: str, columns: Sequence[str]) -> None:
        self.model, self.columns = model, tuple(columns)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.model, self.columns], {}

    def forwards(self, table: str) -> list[str]:
        return [
            f"CREATE POLICY router_read ON {table} FOR SELECT TO {ROUTER} USING (true)",
            f"GRANT SELECT ({', '.join(self.columns)}) ON {table} TO {ROUTER}",
        ]


class LookupFunction(_Sql):
    """Create `name(arguments) RETURNS returns` running as the router role; app and relay may call it."""

    model = ""

    def __init__(self, name: str, arguments: str, returns: str, body: str, *, volatile: bool = False) -> None:
        self.name, self.arguments, self.returns, self.body = name, arguments, returns, body
        self.volatile = volatile

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (
            type(self).__name__,
            [self.name, self.arguments, self.returns, self.body],
            {"volatile": self.volatile},
        )

    def table(self, app_label: str, state: Any) -> str:
        return ""

    def forwards(self, table: str) -> list[str]:
        signature = f"{self.name}({self.arguments})"
        volatility = "VOLATILE" if self.volatile else "STABLE"
        return [
            (
                f"CREATE FUNCTION {signature} RETURNS {self.returns} LANGUAGE sql {volatility} SECURITY DEFINER"
                f" SET search_path = public, pg_temp AS $$ {self.body} $$"
            ),
            f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC",
            f"GRANT EXECUTE ON FUNCTION {signature} TO {APP}, {RELAY}",
            f"GRANT CREATE ON SCHEMA public TO {ROUTER}",
            f"ALTER FUNCTION {signature} OWNER TO {ROUTER}",
            f"REVOKE CREATE ON SCHEMA public FROM {ROUTER}",
        ]

    def backwards(self, table: str) -> list[str]:
        return [f"DROP FUNCTION IF EXISTS {self.name}"]


class TenantForeignKey(_Sql):
    """A foreign key that cannot leave the tenant: (tenant_id, column) → (tenant_id, id) of `to`.

    RLS does not stop a plain foreign key from naming another tenant's row. `on_delete` is
    "NO ACTION", "CASCADE" or "SET NULL"; checked at commit.
    """

    def __init__(self, model: str, column: str, to: str, *, on_delete: str = "NO ACTION") -> None:
        self.model, self.column, self.to, self.on_delete = model, column, to, on_delete
        self._target = ""

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.model, self.column, self.to], {"on_delete": self.on_delete}

    def table(self, app_label: str, state: Any) -> str:
        self._target = table_of(state, app_label, self.to)
        return super().table(app_label, state)

    def forwards(self, table: str) -> list[str]:
        action = f"SET NULL ({self.column})" if self.on_delete == "SET NULL" else self.on_delete
        return [
            (
                f"ALTER TABLE {table} ADD CONSTRAINT {table}_{self.column}_tenant_fk"
                f" FOREIGN KEY (tenant_id, {self.column}) REFERENCES {self._target} (tenant_id, id)"
                f" ON DELETE {action} DEFERRABLE INITIALLY DEFERRED"
            )
        ]

    def backwards(self, table: str) -> list[str]:
        return [f"ALTER TABLE {table} DROP CONSTRAINT {table}_{self.column}_tenant_fk"]
