"""What every migration operation here is: statements about a model's present table."""

from __future__ import annotations

from typing import Any

from django.db.migrations.operations.base import Operation

from core.rls.conditions import (
    APP,
    BACKUP,
    OWNER,
)


class Sql(Operation):
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


def force(table: str) -> list[str]:
    return [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY owner_all ON {table} TO {OWNER} USING (true) WITH CHECK (true)",
        f"CREATE POLICY backup_read ON {table} FOR SELECT TO {BACKUP} USING (true)",
        f"GRANT SELECT ON {table} TO {BACKUP}",
    ]


def grant(table: str, privileges: str) -> list[str]:
    return [f"GRANT {privileges} ON {table} TO {APP}"] if privileges else []
