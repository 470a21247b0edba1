"""The six swapped models are the only tables of the toolkit, and all of them are guarded."""

from __future__ import annotations

from django.apps import apps
from django.db import connections


def test_toolkit_has_no_table_of_its_own():
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE tablename LIKE 'oauth2_provider%%'")
        assert cursor.fetchall() == []


def test_every_table_of_oauth_forces_row_security():
    tables = [model._meta.db_table for model in apps.get_app_config("oauth").get_models()]
    assert len(tables) >= 12
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relname = ANY(%s) AND relrowsecurity AND relforcerowsecurity",
            [tables],
        )
        assert {row[0] for row in cursor.fetchall()} == set(tables)


def test_nothing_set_shows_no_row():
    with connections["default"].cursor() as cursor:
        for model in apps.get_app_config("oauth").get_models():
            cursor.execute(f"SELECT count(*) FROM {model._meta.db_table}")
            assert cursor.fetchone() == (0,)
