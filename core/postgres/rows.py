"""Rows of models by statements that are planned once, for the ways that every sign-in and token takes.

The ORM writes the same SQL anew on each call, and PostgreSQL plans it anew. These know one row at a time,
send no signals and follow no relations.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeVar

from django.db import connections, router
from django.db.models import Model

from core.postgres.prepared import Prepared

M = TypeVar("M", bound=Model)


def first(model: type[M], condition: str, values: Mapping[str, Any]) -> M | None:
    """Return the first row for which the condition holds, a constant with %(name)s and, where needed, an order."""
    alias = router.db_for_read(model)
    connection = connections[alias]
    with connection.cursor() as cursor:
        cursor.execute(_selection(model, condition), values)
        found = cursor.fetchone()
    if found is None:
        return None
    read = [
        field.from_db_value(value, None, connection) if hasattr(field, "from_db_value") else value
        for field, value in zip(model._meta.concrete_fields, found, strict=True)
    ]
    return model.from_db(alias, [field.attname for field in model._meta.concrete_fields], read)


def insert(row: Model) -> None:
    """Insert a new row, with the next statement or with the commit: its failure is theirs."""
    model = type(row)
    connection: Any = connections[router.db_for_write(model)]
    values = [
        field.get_db_prep_save(field.pre_save(row, add=True), connection)
        for field in model._meta.concrete_fields
    ]
    with connection.cursor() as cursor:
        cursor.post(_insertion(model), values)
    row._state.adding, row._state.db = False, connection.alias


@lru_cache(maxsize=256)
def _selection(model: type[Model], condition: str) -> Prepared:
    columns = ", ".join(f'"{field.column}"' for field in model._meta.concrete_fields)
    return Prepared(f'SELECT {columns} FROM "{model._meta.db_table}" WHERE {condition} LIMIT 1')  # noqa: S608 — constants


@lru_cache(maxsize=256)
def _insertion(model: type[Model]) -> Prepared:
    fields = model._meta.concrete_fields
    columns = ", ".join(f'"{field.column}"' for field in fields)
    places = ", ".join(["%s"] * len(fields))
    return Prepared(f'INSERT INTO "{model._meta.db_table}" ({columns}) VALUES ({places})')  # noqa: S608 — constants
