"""Tables split by month of the UUIDv7 in their key, and the only functions that make or drop a month.

The functions belong to the owner and take a month, nothing else. A partition has no privilege of its own:
the runtime roles reach rows through the parent, where row-level security stands.
"""

from __future__ import annotations

from typing import Any

from django.db import migrations

from core.rls import BACKUP, OWNER, RELAY


class CreatePartitionedModel(migrations.CreateModel):
    """CreateModel with `PARTITION BY RANGE (key)` and a default partition."""

    def __init__(self, name: str, fields: Any, *, key: str, **rest: Any) -> None:
        self.key = key
        super().__init__(name, fields, **rest)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        name, args, kwargs = super().deconstruct()
        return name, list(args), {**kwargs, "key": self.key}

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = to_state.apps.get_model(app_label, self.name)
        statement, parameters = schema_editor.table_sql(model)
        schema_editor.execute(f"{statement} PARTITION BY RANGE ({self.key})", parameters or None)
        schema_editor.deferred_sql.extend(schema_editor._model_indexes_sql(model))
        table = model._meta.db_table
        schema_editor.execute(f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT")
        for line in secure(f"{table}_default"):
            schema_editor.execute(line)


def secure(partition: str) -> list[str]:
    """Return SQL that leaves a partition to the owner and to dumps, which read each one by itself."""
    return [
        f"ALTER TABLE {partition} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {partition} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY owner_all ON {partition} TO {OWNER} USING (true) WITH CHECK (true)",
        f"CREATE POLICY backup_read ON {partition} FOR SELECT TO {BACKUP} USING (true)",
        f"GRANT SELECT ON {partition} TO {BACKUP}",
    ]


def functions(prefix: str, tables: dict[str, str], *, guard: str, floor: str) -> list[str]:
    """Return SQL of `{prefix}_create_month(date)` and `{prefix}_drop_month(date)` over `tables` {table: key}.

    Dropping refuses months that ended less than `floor` ago, and those for which the SQL `guard` (which may
    use `lowest` and `highest`, the month's bounds as uuid, and `name`) finds a row.
    """
    return [
        _BOUND,
        _create(prefix, tables),
        _drop(prefix, list(tables), guard, floor),
        *(line for verb in ("create", "drop") for line in _grants(f"{prefix}_{verb}_month(date)")),
        _FIRST_MONTHS.format(prefix),
    ]


_FIRST_MONTHS = """
SELECT {}_create_month((date_trunc('month', now()) + n * interval '1 month')::date)
FROM generate_series(-1, 3) n
"""


_BOUND = """
CREATE OR REPLACE FUNCTION uuid7_floor(moment timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex(floor(extract(epoch FROM moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;
REVOKE ALL ON FUNCTION uuid7_floor(timestamptz) FROM PUBLIC
"""


def _head(name: str) -> str:
    return (
        f"CREATE FUNCTION {name}(month date) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER"
        " SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$"
        " DECLARE first timestamptz := date_trunc('month', month::timestamp) AT TIME ZONE 'UTC';"
        " next timestamptz := (date_trunc('month', month::timestamp) + interval '1 month')"
        " AT TIME ZONE 'UTC';"
        " name text := to_char(month, 'YYYYMM');"
        " lowest uuid := uuid7_floor(first); highest uuid := uuid7_floor(next); BEGIN "
    )


def _create(prefix: str, tables: dict[str, str]) -> str:
    body = f"IF to_regclass('{next(iter(tables))}_' || name) IS NOT NULL THEN RETURN false; END IF; "
    for table in tables:
        made = f"CREATE TABLE %1$I PARTITION OF {table} FOR VALUES FROM (%2$L) TO (%3$L)"
        body += f"EXECUTE format($f${made}$f$, '{table}_' || name, lowest, highest); "
        for line in secure("%1$I"):
            body += f"EXECUTE format($f${line}$f$, '{table}_' || name); "
    return _head(f"{prefix}_create_month") + body + "RETURN true; END $$"


def _drop(prefix: str, tables: list[str], guard: str, floor: str) -> str:
    body = f"IF to_regclass('{tables[0]}_' || name) IS NULL THEN RETURN false; END IF; "
    young = "RAISE EXCEPTION 'the month % is too young', name"
    body += f"IF next > now() - interval '{floor}' THEN {young}; END IF; "
    body += f"IF EXISTS ({guard}) THEN RAISE EXCEPTION 'the month % has no full checkpoint', name; END IF; "
    for table in tables:
        body += f"EXECUTE format('DROP TABLE %I', '{table}_' || name); "
    return _head(f"{prefix}_drop_month") + body + "RETURN true; END $$"


def _grants(signature: str) -> list[str]:
    return [
        f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC",
        f"GRANT EXECUTE ON FUNCTION {signature} TO {RELAY}",
    ]
