"""The list that a table is on: a tenant's rows, a person's, shared by all, or plain."""

from __future__ import annotations

from typing import Any

from core.rls.conditions import (
    ACCOUNT,
    APP,
    BACKUP,
    OPERATOR,
    TENANT,
    Organizations,
    organization_policy,
)
from core.rls.operation import Sql, force, grant


class TenantTable(Sql):
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
        statements = force(table) + grant(table, self.app)
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


class OrganizationMode(Sql):
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


class PersonTable(Sql):
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
            *force(table),
            *grant(table, self.app),
            f"CREATE POLICY account_rows ON {table} TO {APP} USING ({rows}) WITH CHECK ({rows})",
        ]


class ForcedTable(Sql):
    """Force row-level security with no policy for the runtime role but those the migration adds itself."""

    def __init__(self, model: str, *, app: str = "SELECT") -> None:
        self.model, self.app = model, app

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.model], {"app": self.app}

    def forwards(self, table: str) -> list[str]:
        return [*force(table), *grant(table, self.app)]


class SharedTable(Sql):
    """Rows that belong to a tenant or to a person (exactly one is set): events, jobs, mail."""

    def __init__(self, model: str, *, app: str = "SELECT, INSERT") -> None:
        self.model, self.app = model, app

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.model], {"app": self.app}

    def forwards(self, table: str) -> list[str]:
        rows = f"(tenant_id = {TENANT} OR account_id = {ACCOUNT} OR (tenant_id IS NULL AND {OPERATOR}))"
        return [
            *force(table),
            *grant(table, self.app),
            f"CREATE POLICY scope_rows ON {table} TO {APP} USING ({rows}) WITH CHECK ({rows})",
        ]


class PlainTable(Sql):
    """A table on the short list without customer data; the runtime role gets `app` privileges."""

    def __init__(self, model: str, *, app: str = "SELECT") -> None:
        self.model, self.app = model, app

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.model], {"app": self.app}

    def forwards(self, table: str) -> list[str]:
        return [*grant(table, self.app), f"GRANT SELECT ON {table} TO {BACKUP}"]
