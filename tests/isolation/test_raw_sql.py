"""Row security beneath the code: every table × select, insert, update, delete, across tenants (A3, TEN-04)."""

from __future__ import annotations

import uuid

import psycopg
import pytest
from psycopg import sql

from core import scope
from organizations.models import Membership
from roles.models import Role
from tenants.models import Member
from tests.factories import Cast, make_organization
from tests.isolation import catalogue
from tests.isolation.raw import as_app, changed, count, refused


def tenant_tables() -> list[str]:
    return [table.name for table in catalogue.scoped() if "tenant_id" in table.columns]


def person_tables() -> list[str]:
    return [
        table.name
        for table in catalogue.scoped()
        if "account_id" in table.columns and "tenant_id" not in table.columns
    ]


def test_A3_with_nothing_set_every_table_is_empty(cast: Cast) -> None:
    with as_app() as cursor:
        readable = [table.name for table in catalogue.scoped() if not no_right(cursor, table.name)]
        seen = {name: count(cursor, name) for name in readable}
    assert {name: rows for name, rows in seen.items() if rows} == {}
    assert "tenants_member" in seen


def no_right(cursor: psycopg.Cursor, table: str) -> bool:
    row = cursor.execute("SELECT has_table_privilege(%s, 'SELECT')", [table]).fetchone()
    return not row[0]  # type: ignore[index]


def test_A3_under_one_tenant_no_row_of_another_is_seen(cast: Cast) -> None:
    for mine, other in ((cast.acme, cast.globex), (cast.globex, cast.acme)):
        with as_app(tenant=mine.id, organization="all") as cursor:
            for table in tenant_tables():
                if not no_right(cursor, table):
                    assert count(cursor, table, f"tenant_id = '{other.id}'") == 0, table
            assert count(cursor, "tenants_member") > 0
            assert count(cursor, "tenants_tenant") == 1


def test_A3_no_row_of_another_tenant_can_be_written(cast: Cast) -> None:
    with as_app(tenant=cast.acme.id, organization="all") as cursor:
        for table in tenant_tables():
            name = sql.Identifier(table)
            insert = sql.SQL("INSERT INTO {} (tenant_id) VALUES ({})").format(
                name, sql.Literal(cast.globex.id)
            )
            assert refused(cursor, insert), f"insert into {table}"
            where = sql.SQL(" WHERE tenant_id = {}").format(sql.Literal(cast.globex.id))
            update = sql.SQL("UPDATE {} SET tenant_id = tenant_id").format(name) + where
            assert changed(cursor, update) == 0, f"update of {table}"
            assert changed(cursor, sql.SQL("DELETE FROM {}").format(name) + where) == 0, (
                f"delete from {table}"
            )


def test_A3_no_row_can_be_moved_into_another_tenant(cast: Cast) -> None:
    with as_app(tenant=cast.acme.id, organization="all") as cursor:
        for table in ("tenants_member", "roles_role", "tenants_signingkey"):
            move = sql.SQL("UPDATE {} SET tenant_id = {}").format(
                sql.Identifier(table), sql.Literal(cast.globex.id)
            )
            assert count(cursor, table) > 0
            assert refused(cursor, move), table


def test_A3_a_lawful_write_in_the_own_tenant_works(cast: Cast) -> None:
    with as_app(tenant=cast.acme.id, organization="all") as cursor:
        renamed = changed(cursor, sql.SQL("UPDATE tenants_member SET name = 'Renamed'"))
    assert renamed >= 2


def test_A3_a_foreign_key_cannot_name_another_tenants_row(cast: Cast) -> None:
    organization = make_organization(cast.acme)
    with scope.tenant(cast.globex.id):
        foreign = Member.objects.values_list("id", flat=True).first()
    with (
        pytest.raises(psycopg.errors.ForeignKeyViolation),
        as_app(tenant=cast.acme.id, organization="all") as cursor,
    ):
        cursor.execute(
            "INSERT INTO organizations_membership (id, tenant_id, organization_id, member_id, joined_at,"
            " created_at, updated_at) VALUES (%s, %s, %s, %s, now(), now(), now())",
            [uuid.uuid4(), cast.acme.id, organization.id, foreign],
        )
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_TEN05_organization_rows_need_one_organization_or_all(cast: Cast) -> None:
    first = make_organization(cast.acme, people=[cast.member])
    second = make_organization(cast.acme, people=[cast.owner])
    with as_app(tenant=cast.acme.id) as cursor:
        for table in (
            "organizations_organization",
            "organizations_membership",
            "tenants_member",
            "roles_roleassignment",
        ):
            assert count(cursor, table) == 0, table
    for organization in (first, second):
        with as_app(tenant=cast.acme.id, organization=str(organization.id)) as cursor:
            assert count(cursor, "organizations_organization") == 1
            assert count(cursor, "organizations_membership") == 1
            assert count(cursor, "tenants_member") == 1
            assert count(cursor, "tenants_tenantsession") == 0
    with as_app(tenant=cast.acme.id, organization="all") as cursor:
        assert count(cursor, "organizations_organization") == 2


def test_TEN05_an_organization_cannot_write_into_another(cast: Cast) -> None:
    first, second = make_organization(cast.acme), make_organization(cast.acme)
    with scope.tenant(cast.acme.id):
        membership = Membership.objects.create(organization=second, member=cast.member.member)
    with as_app(tenant=cast.acme.id, organization=str(first.id)) as cursor:
        move = sql.SQL("UPDATE organizations_membership SET organization_id = {} WHERE id = {}")
        assert changed(cursor, move.format(sql.Literal(first.id), sql.Literal(membership.id))) == 0
        for table in tenant_tables():
            columns = {row.name: row.columns for row in catalogue.scoped()}[table]
            if "organization_id" not in columns or table in SHARED_BY_DESIGN:
                continue
            insert = sql.SQL("INSERT INTO {} (tenant_id, organization_id) VALUES ({}, {})").format(
                sql.Identifier(table), sql.Literal(cast.acme.id), sql.Literal(second.id)
            )
            assert refused(cursor, insert), table


SHARED_BY_DESIGN: set[str] = set()


def test_TEN05_an_organization_reads_shared_roles_and_writes_none(cast: Cast) -> None:
    organization = make_organization(cast.acme)
    with as_app(tenant=cast.acme.id, organization=str(organization.id)) as cursor:
        assert count(cursor, "roles_role") > 0
        assert changed(cursor, sql.SQL("UPDATE roles_role SET name = 'mine'")) == 0
        assert changed(cursor, sql.SQL("DELETE FROM roles_role")) == 0
    with scope.tenant(cast.acme.id):
        assert Role.objects.filter(name="mine").count() == 0


def test_A3_a_person_sees_their_own_rows_only(cast: Cast) -> None:
    with as_app(account=cast.member.account_id) as cursor:
        assert count(cursor, "identity_account") == 1
        assert count(cursor, "identity_emailaddress") == 1
        for table in person_tables():
            if not no_right(cursor, table):
                assert count(cursor, table, f"account_id <> '{cast.member.account_id}'") == 0, table


def test_A3_a_person_sees_the_tenants_they_are_in_and_changes_nothing_there(cast: Cast) -> None:
    with as_app(account=cast.member.account_id) as cursor:
        seen = cursor.execute("SELECT id FROM tenants_tenant").fetchall()
        assert seen == [(cast.acme.id,)]
        assert count(cursor, "tenants_member") == 1
        assert changed(cursor, sql.SQL("UPDATE tenants_member SET name = 'x'")) == 0
        assert changed(cursor, sql.SQL("UPDATE tenants_tenant SET name = 'x'")) == 0
    with as_app(account=cast.stranger.account_id) as cursor:
        assert count(cursor, "tenants_tenant") == 0
        assert count(cursor, "tenants_member") == 0


def test_A3_the_lookup_functions_are_the_only_way_from_outside_a_scope(cast: Cast) -> None:
    with as_app() as cursor:
        found = cursor.execute("SELECT id FROM tenant_by_slug(%s)", [cast.acme.slug]).fetchone()
        assert found == (cast.acme.id,)
        assert cursor.execute("SELECT count(*) FROM tenant_by_slug('nowhere-at-all')").fetchone() == (0,)


def test_A3_a_pooled_connection_comes_back_with_nothing_set(cast: Cast) -> None:
    from django.db import connection

    with scope.tenant(cast.acme.id):
        assert Member.objects.count() > 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('app.tenant_id', true), count(*) FROM tenants_member")
        left, rows = cursor.fetchone()  # type: ignore[misc]
    assert (left or "", rows) == ("", 0)
