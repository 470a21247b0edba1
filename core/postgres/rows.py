"""Rows of models by statements that are planned once, for the ways that every sign-in and token takes.

The ORM writes the same SQL anew on each call, and PostgreSQL plans it anew. These send no signals and follow
no relations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
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


def first_with(
    model: type[M], beside: str, condition: str, values: Mapping[str, Any]
) -> tuple[M, Sequence[Any]] | None:
    """As `first`, with the values of further expressions, `beside`, which are a constant too."""
    found = _fetch(_selection(model, f"{condition} LIMIT 1", beside), model, values)
    if found is None:
        return None
    end = len(_names(model))
    return _made(model, found[:end]), found[end:]


def several(model: type[M], condition: str, values: Mapping[str, Any]) -> list[M]:
    """Return all rows for which the condition holds; it names their order and how many there may be."""
    statement, alias = _selection(model, condition), router.db_for_read(model)
    return [_made(model, found) for found in statement.all(values, using=alias)]


def pair(
    one: type[M], other: type[N], beside: str, tables: str, values: Mapping[str, Any]
) -> tuple[M, N | None, Sequence[Any]] | None:
    """Return the first row of a join, the row joined to it if there is one, and further values.

    `beside` are the columns of the latter, `tables` is all from FROM onwards, in which `one` and `other` are the
    tables' names; both are constants.
    """
    found = _fetch(_joined(one, other, beside, tables), one, values)
    if found is None:
        return None
    end = len(_names(one))
    last = end + len(_names(other))
    joined = _made(other, found[end:last]) if any(v is not None for v in found[end:last]) else None
    return _made(one, found[:end]), joined, found[last:]


def new(model: type[M], **values: Any) -> M:
    """Return a row to insert, by the attributes of its columns; what is not given has its default."""
    defaults = _defaults(model)
    if unknown := values.keys() - defaults.keys():
        raise TypeError(f"{model.__name__} has no {sorted(unknown)}")
    made = model.__new__(model)
    made._state = ModelState()
    made.__dict__.update(
        {name: default() for name, default in defaults.items() if name not in values}, **values
    )
    return made


def insert(row: Model) -> None:
    """Insert a new row, with the next statement or with the commit: its failure is theirs."""
    model = type(row)
    connection: Any = connections[router.db_for_write(model)]
    connection.post(_insertion(model), [write(row) for write in _writers(model, connection.alias)])
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
def _defaults(model: type[Model]) -> dict[str, Callable[[], Any]]:
    return {field.attname: field.get_default for field in model._meta.concrete_fields}


@lru_cache(maxsize=256)
def _readers(model: type[Model]) -> list[tuple[int, Callable[..., Any]]]:
    """Return the columns whose values are not what Python holds, with what makes them so."""
    fields = enumerate(model._meta.concrete_fields)
    return [(place, field.from_db_value) for place, field in fields if hasattr(field, "from_db_value")]


@lru_cache(maxsize=256)
def _writers(model: type[Model], alias: str) -> list[Callable[[Model], Any]]:
    """Return what gives each column's value of a new row."""
    return [_writer(field, alias) for field in model._meta.concrete_fields]


def _writer(field: Any, alias: str) -> Callable[[Model], Any]:
    if _is(field, models.DateTimeField) and (field.auto_now or field.auto_now_add):
        return lambda row: field.pre_save(row, add=True)
    if any(_is(field, kind) for kind in (*PLAIN, models.DateTimeField)):
        return attrgetter(field.attname)
    return lambda row: field.get_db_prep_save(field.pre_save(row, add=True), connections[alias])


def _is(field: Any, kind: type[Field[Any, Any]]) -> bool:
    """Whether a field writes as this kind does."""
    methods = ("pre_save", "get_db_prep_save", "get_db_prep_value", "get_prep_value")
    own = type(field)
    return isinstance(field, kind) and all(getattr(own, name) is getattr(kind, name) for name in methods)


@lru_cache(maxsize=256)
def _selection(model: type[Model], condition: str, beside: str = "") -> Prepared:
    wanted = ", ".join(filter(None, (_columns(model), beside)))
    return Prepared(f'SELECT {wanted} FROM "{model._meta.db_table}" WHERE {condition}')  # noqa: S608 — constants


@lru_cache(maxsize=256)
def _joined(one: type[Model], other: type[Model], beside: str, tables: str) -> Prepared:
    return Prepared(f"SELECT {_columns(one)}, {_columns(other)}, {beside} {tables} LIMIT 1")


def _columns(model: type[Model]) -> str:
    return ", ".join(f'"{model._meta.db_table}"."{field.column}"' for field in model._meta.concrete_fields)


@lru_cache(maxsize=256)
def _insertion(model: type[Model]) -> Prepared:
    fields = model._meta.concrete_fields
    columns = ", ".join(f'"{field.column}"' for field in fields)
    places = ", ".join(["%s"] * len(fields))
    return Prepared(f'INSERT INTO "{model._meta.db_table}" ({columns}) VALUES ({places})')  # noqa: S608 — constants
