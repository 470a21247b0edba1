"""Relations between rows of one tenant."""

from __future__ import annotations

from typing import Any

from core.rls.operation import Sql, table_of


class TenantForeignKey(Sql):
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
