"""Raw SQL as the runtime role: whose keys exist for whom (KEY-17, threats A1, A3)."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import Error, connection, transaction

from core import ids, scope
from tests.apikeys.world import World, make_world

TABLES = ("apikeys_apikey", "apikeys_serviceaccount")


@pytest.fixture(scope="module")
def world() -> World:
    from apikeys import services
    from tests.factories import admin_principal

    made = make_world()
    actor = admin_principal(made.acme, made.cast.owner)
    for organization in (None, made.one, made.two):
        with scope.tenant(made.acme.id):
            account = services.create_service_account(actor=actor, name="Robot", organization=organization)
        made.issue(["api-keys:read"], organization=organization, service_account=account)
    return made


def rows(table: str, column: str = "organization_id") -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {table}")
        return [row[0] for row in cursor.fetchall()]


@pytest.mark.parametrize("table", TABLES)
def test_A3_with_nothing_set_there_are_no_rows(world: World, table: str) -> None:
    with transaction.atomic():
        assert rows(table) == []


@pytest.mark.parametrize("table", TABLES)
def test_an_organization_sees_only_its_own_rows(world: World, table: str) -> None:
    with scope.organization(world.acme.id, world.one.id):
        assert rows(table) == [world.one.id]
    with scope.tenant(world.acme.id):
        assert sorted(map(str, rows(table))) == sorted(map(str, (None, world.one.id, world.two.id)))


@pytest.mark.parametrize("table", TABLES)
def test_another_tenant_sees_none_of_them(world: World, table: str) -> None:
    with scope.tenant(world.cast.globex.id):
        assert rows(table) == []


@pytest.mark.parametrize("table", TABLES)
def test_another_organization_changes_and_deletes_nothing(world: World, table: str) -> None:
    with scope.organization(world.acme.id, world.one.id), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET name = 'taken' WHERE organization_id IS DISTINCT FROM %s", [world.one.id]
        )
        assert cursor.rowcount == 0
        cursor.execute(f"DELETE FROM {table} WHERE organization_id IS DISTINCT FROM %s", [world.one.id])
        assert cursor.rowcount == 0


@pytest.mark.parametrize("organization", ["two", "none"])
def test_an_organization_cannot_give_its_rows_away(world: World, organization: str) -> None:
    target = world.two.id if organization == "two" else None
    for table in TABLES:
        with (
            pytest.raises(Error, match="row-level security"),
            scope.organization(world.acme.id, world.one.id),
            connection.cursor() as cursor,
        ):
            cursor.execute(f"UPDATE {table} SET organization_id = %s", [target])


def test_a_key_cannot_point_at_another_tenants_rows(world: World) -> None:
    other = make_world()
    for column, value in (("resource_id", other.orders.id), ("maker_id", other.cast.owner.member.id)):
        with (
            pytest.raises(Error, match="foreign key"),
            scope.tenant(world.acme.id),
            connection.cursor() as cursor,
        ):
            cursor.execute(f"UPDATE apikeys_apikey SET {column} = %s", [value])


def test_the_lookup_answers_ids_and_nothing_else(world: World) -> None:
    issued = world.issue()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM api_key_by_public_id(%s)", [issued.key.public_part])
        assert cursor.fetchall() == [(world.acme.id, None, issued.key.id)]
        cursor.execute("SELECT * FROM api_key_by_public_id(%s)", [ids.new_request_id()])
        assert cursor.fetchall() == []
