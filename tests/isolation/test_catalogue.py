"""No table escapes: each is on one of three lists, and the first two have forced row-level security (A3)."""

from __future__ import annotations

import pytest

from tests.isolation import catalogue

APP, OWNER, RELAY, BACKUP, ROUTER = (
    f"claviger_{name}" for name in ("app", "owner", "relay", "backup", "router")
)


def test_A3_every_table_is_secured_and_forced_or_on_the_short_plain_list() -> None:
    open_tables = [table.name for table in catalogue.scoped() if not (table.secured and table.forced)]
    assert open_tables == []


def test_A3_every_scoped_table_names_a_tenant_or_a_person() -> None:
    own_key = {"tenants_tenant", "tenants_workspace", "identity_account"}
    homeless = [
        table.name
        for table in catalogue.scoped()
        if not {"tenant_id", "account_id"} & set(table.columns) and table.name not in own_key
    ]
    assert homeless == []


def test_A3_the_owner_has_an_explicit_policy_on_each_forced_table() -> None:
    for table in catalogue.scoped():
        names = {(command, role) for _, command, role, _ in catalogue.policies(table.name)}
        assert ("*", OWNER) in names, table.name


def test_A3_the_runtime_roles_own_nothing_and_bypass_nothing() -> None:
    roles = catalogue.query(
        "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname LIKE 'claviger\\_%%'"
    )
    assert {name for name, *_ in roles} >= {APP, OWNER, RELAY, BACKUP, ROUTER}
    assert [name for name, *powers in roles if any(powers)] == []
    assert {table.owner for table in catalogue.tables()} == {OWNER}


def test_A3_no_runtime_role_may_touch_a_partition_itself() -> None:
    """Dumps read partitions one by one, so the backup role may; the roles that serve may not."""
    grants = catalogue.query("""
        SELECT g.table_name, g.grantee FROM information_schema.role_table_grants g
        JOIN pg_class c ON c.relname = g.table_name
        WHERE c.relispartition AND g.grantee NOT IN ('claviger_owner', 'claviger_backup')
    """)
    assert grants == []


def test_A3_public_has_no_privilege_on_any_table_or_lookup_function() -> None:
    tables = catalogue.query(
        "SELECT table_name FROM information_schema.role_table_grants"
        " WHERE table_schema = 'public' AND grantee = 'PUBLIC'"
    )
    functions = catalogue.query("""
        SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = 'public' AND p.prosecdef AND has_function_privilege('public', p.oid, 'EXECUTE')
    """)
    assert (tables, functions) == ([], [])


def test_A3_the_app_role_reads_events_and_seals_and_changes_none() -> None:
    grants = catalogue.query("""
        SELECT table_name, privilege_type FROM information_schema.role_table_grants
        WHERE grantee = 'claviger_app' AND table_name LIKE 'events\\_%%'
          AND privilege_type IN ('UPDATE', 'DELETE', 'TRUNCATE')
    """)
    assert grants == []


def test_A3_unique_keys_of_tenant_tables_start_with_the_tenant() -> None:
    """A global unique key tells one tenant about another's values; random digests and ids cannot.

    `stream` is the id of a tenant or account itself.
    """
    rows = catalogue.query("""
        SELECT c.relname, i.relname, (SELECT a.attname FROM pg_attribute a
               WHERE a.attrelid = c.oid AND a.attnum = x.indkey[0])
        FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND x.indisunique AND NOT x.indisprimary AND NOT c.relispartition
    """)
    tenant_tables = {table.name for table in catalogue.scoped() if "tenant_id" in table.columns}
    loose = [
        (table, index)
        for table, index, column in rows
        if table in tenant_tables and column not in ("tenant_id", "stream")
    ]
    assert loose == []


def test_A3_relations_between_tenant_tables_are_composite() -> None:
    """A plain foreign key could name another tenant's row: row security does not look at constraints."""
    tenant_tables = {table.name for table in catalogue.scoped() if "tenant_id" in table.columns}
    plain = catalogue.query("""
        SELECT c.conrelid::regclass::text, c.conname, c.confrelid::regclass::text FROM pg_constraint c
        WHERE c.contype = 'f' AND array_length(c.conkey, 1) = 1
    """)
    assert [row for row in plain if row[0] in tenant_tables and row[2] in tenant_tables] == []


def test_A3_every_relation_column_of_a_tenant_table_has_its_constraint() -> None:
    from django.apps import apps

    missing = []
    for model in apps.get_models():
        table = model._meta.db_table
        columns = {field.column for field in model._meta.concrete_fields}
        if "tenant_id" not in columns:
            continue
        constrained = {
            column
            for (columns_,) in catalogue.query(
                "SELECT array(SELECT attname::text FROM pg_attribute WHERE attrelid = c.conrelid"
                " AND attnum = ANY (c.conkey)) FROM pg_constraint c"
                " WHERE c.contype = 'f' AND c.conrelid = to_regclass(%s)",
                table,
            )
            for column in columns_
        }
        for field in model._meta.concrete_fields:
            related = field.related_model
            if related is not None and field.column not in constrained:
                missing.append(f"{table}.{field.column}")
    assert missing == []


@pytest.mark.parametrize("name", sorted(catalogue.PLAIN))
def test_the_plain_list_names_only_tables_that_exist(name: str) -> None:
    assert name in {table.name for table in catalogue.tables()}
