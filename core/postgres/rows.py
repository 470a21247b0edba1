"""Rows of models by statements that are planned once, for the ways that every sign-in and token takes.

The ORM writes the same SQL anew on each call, and PostgreSQL plans it anew. These send no signals and follow
no relations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from django.db import connections, models, router
from django.db.models import Field, Model
from django.db.models.base import ModelState

from core.postgres.prepared import Prepared

M = TypeVar("M", bound=Model)
N = TypeVar("N", bound=Model)
# What these write is the very value of the attribute.
PLAIN = (models.UUIDField, models.CharField, models.TextField, models.BooleanField, models.IntegerField)


def first(model: type[M], condition: str, values: Mapping[str, Any]) -> M | None:
    """Return the first row for which the condition holds, a constant with %(name)s and, where needed, an order."""
    found = _fetch(_selection(model, f"{condition} LIMIT 1"), model, values)
    return _made(model, found) if found is not None else None


def several(model: type[M], condition: str, values: Mapping[str, Any]) -> list[M]:
    """Return all rows for which the condition holds; it names their order and how many there may be."""
    statement, alias = _selection(model, condition), router.db_for_read(model)
    return [_made(model, found) for found in statement.all(values, using=alias)]


def pair(one: type[M], other: type[N], tables: str, values: Mapping[str, Any]) -> tuple[M | None, N | None]:
    """Return the first row of a join and the row beside it, None for what is not there.

    `tables` is a constant, all from FROM onwards, in which `one` and `other` are the tables' names.
    """
    found = _fetch(_joined(one, other, tables), one, values)
    if found is None:
        return None, None
    width = len(_names(one))
    beside = found[width:]
    return _made(one, found[:width]), _made(other, beside) if any(v is not None for v in beside) else None


def insert(row: Model) -> None:
    """Insert a new row, with the next statement or with the commit: its failure is theirs."""
    model = type(row)
    connection: Any = connections[router.db_for_write(model)]
    values = [
        field.get_db_prep_save(field.pre_save(row, add=True), connection) if field else getattr(row, name)
        for name, field in _writers(model)
    ]
    connection.post(_insertion(model), values)
    row._state.adding, row._state.db = False, connection.alias


def _fetch(statement: Prepared, model: type[Model], values: Mapping[str, Any]) -> Sequence[Any] | None:
    return statement.first(values, using=router.db_for_read(model))


def _made(model: type[M], found: Sequence[Any]) -> M:
    alias = router.db_for_read(model)
    read = list(found)
    for place, convert in _readers(model):
        read[place] = convert(read[place], None, connections[alias])
    made = model.__new__(model)
    made.__dict__.update(zip(_names(model), read, strict=True))
    made._state = ModelState()
    made._state.adding, made._state.db = False, alias
    return made


@lru_cache(maxsize=256)
def _names(model: type[Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]


@lru_cache(maxsize=256)
def _readers(model: type[Model]) -> list[tuple[int, Callable[..., Any]]]:
    """Return the columns whose values are not what Python holds, with what makes them so."""
    fields = enumerate(model._meta.concrete_fields)
    return [(place, field.from_db_value) for place, field in fields if hasattr(field, "from_db_value")]


@lru_cache(maxsize=256)
def _writers(model: type[Model]) -> list[tuple[str, Field[Any, Any] | None]]:
    """Return each column's attribute, and its field where that has a say in what is written."""
    return [(field.attname, None if _is_plain(field) else field) for field in model._meta.concrete_fields]


def _is_plain(field: Any) -> bool:
    own = type(field)
    methods = ("pre_save", "get_db_prep_save", "get_db_prep_value", "get_prep_value")
    return any(
        isinstance(field, kind) and all(getattr(own, name) is getattr(kind, name) for name in methods)
        for kind in PLAIN
    )


@lru_cache(maxsize=256)
def _selection(model: type[Model], condition: str) -> Prepared:
    return Prepared(f'SELECT {_columns(model)} FROM "{model._meta.db_table}" WHERE {condition}')  # noqa: S608 — constants


@lru_cache(maxsize=256)
def _joined(one: type[Model], other: type[Model], tables: str) -> Prepared:
    return Prepared(f"SELECT {_columns(one)}, {_columns(other)} {tables} LIMIT 1")


def _columns(model: type[Model]) -> str:
    return ", ".join(f'"{model._meta.db_table}"."{field.column}"' for field in model._meta.concrete_fields)


@lru_cache(maxsize=256)
def _insertion(model: type[Model]) -> Prepared:
    fields = model._meta.concrete_fields
    columns = ", ".join(f'"{field.column}"' for field in fields)
    places = ", ".join(["%s"] * len(fields))
    return Prepared(f'INSERT INTO "{model._meta.db_table}" ({columns}) VALUES ({places})')  # noqa: S608 — constants
