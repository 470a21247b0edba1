"""What the other database roles may: the relay's policies, the router's columns and look-up functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.rls.conditions import (
    APP,
    RELAY,
    ROUTER,
)
from core.rls.operation import Sql


class RelayAccess(Sql):
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


class RouterColumns(Sql):
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


class LookupFunction(Sql):
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
