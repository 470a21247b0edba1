"""Values of prepared statements: whatever they hold, they come back as they were and never become SQL."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django.db import DataError, connection
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from core import scope
from core.postgres.prepared import Prepared
from tests.factories import make_cast

TEXT = Prepared("SELECT %s::text")
HOSTILE = [
    "'",
    "\\",
    "\\'",
    "''; DROP TABLE tenants_tenant; --",
    "%s %(a)s %%",
    "$1",
    "ä€😀\r\n\t",
    "",
    "E'\\x00'",
]


def back(kind: str, value: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(Prepared(f"SELECT %s::{kind}"), [value])
        return cursor.fetchone()[0]


@pytest.mark.parametrize("value", HOSTILE)
def test_A3_text_comes_back_as_it_was(value):
    assert back("text", value) == value


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=60))
def test_A3_any_text_comes_back_as_it_was(value):
    assert back("text", value) == value


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60))
def test_bytes_come_back_as_they_were(value):
    assert bytes(back("bytea", value)) == value


MOMENT = datetime(2026, 11, 22, 10, 15, 30, 123456, UTC)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("uuid", uuid.uuid4()),
        ("boolean", True),
        ("boolean", False),
        ("bigint", -(2**62)),
        ("double precision", 0.1),
        ("timestamptz", MOMENT),
        ("timestamptz", MOMENT.astimezone(timezone(timedelta(hours=-9, minutes=-30)))),
        ("interval", timedelta(days=2, microseconds=1)),
        ("text[]", ["a'b", "c\\d", "{}", ""]),
        ("uuid[]", [uuid.uuid4(), uuid.uuid4()]),
        ("text", None),
    ],
)
def test_other_types_come_back_as_they_were(kind, value):
    assert back(kind, value) == value


@pytest.mark.parametrize("value", [{"a'b": ["\\", "ä", None, 1.5]}, [], "text", "it's"])
def test_json_comes_back_as_it_was(value):
    given: Any = [Jsonb(value), json.dumps(value)]
    with connection.cursor() as cursor:
        cursor.execute(Prepared("SELECT %s::jsonb = %s::text::jsonb"), given)
        assert cursor.fetchone()[0] is True


def test_what_no_text_can_hold_is_refused():
    with pytest.raises(DataError):
        back("text", "a\0b")


def test_another_number_of_values_is_refused():
    with connection.cursor() as cursor, pytest.raises(TypeError):
        cursor.execute(TEXT, ["a", "b"])


def test_A3_text_that_looks_like_a_scope_changes_none():
    cast = make_cast()
    wanted = f"'); SELECT set_config('app.tenant_id', '{cast.globex.id}', true); --"
    with scope.tenant(cast.acme.id), connection.cursor() as cursor:
        cursor.execute(TEXT, [wanted])
        assert cursor.fetchone()[0] == wanted
        cursor.execute("SELECT current_setting('app.tenant_id')")
        assert cursor.fetchone()[0] == str(cast.acme.id)
