"""emit(): the event, its personal values and its pending row, in the transaction that made the change.

No audit, no act (promise R19): where the row cannot be written, the caller's change is rolled back with it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import transaction

from core import context, ids, scope
from core.postgres import rows as models
from core.postgres.prepared import Prepared
from core.principal import Actor
from events import envelope, nudge, registry, rows, source
from events.errors import EventRefused
from events.models import Event

FEW = 4  # personal values with which a single event has a statement of its own
_STREAM = {"tenant_id": "uuid", "account_id": "uuid"}
_EVENT = {
    "id": "uuid",
    **_STREAM,
    "organization_id": "uuid",
    **dict.fromkeys(("type", "actor_type", "actor_id", "on_behalf_of"), "text"),
    **dict.fromkeys(("object_type", "object_id", "request_id", "mode"), "text"),
    "canonical": "bytea",
    "created_at": "timestamptz",
}
_PERSONAL = {
    "event_id": "uuid",
    **_STREAM,
    "organization_id": "uuid",
    "name": "text",
    "salt": "bytea",
    "value": "text",
}
_PENDING = {**_STREAM, "event_id": "uuid"}


@dataclass(frozen=True)
class Draft:
    """An event to be written; see `emit` for the words. `at` backdates imported history: the seal still
    says when it was really written.
    """

    type: str
    actor: Actor
    object: Mapping[str, Any]
    previous: Mapping[str, Any] | None = None
    organization_id: uuid.UUID | None = None
    personal: Mapping[str, str] | None = None
    on_behalf_of: Actor | None = None
    delegation: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class Written:
    """An event with its personal values, ready to be inserted."""

    event: Event
    personal: list[tuple[str, bytes, str]]


def emit(
    type: str,
    *,
    actor: Actor,
    object: Mapping[str, Any],
    previous: Mapping[str, Any] | None = None,
    organization_id: uuid.UUID | None = None,
    personal: Mapping[str, str] | None = None,
    on_behalf_of: Actor | None = None,
    delegation: str = "",
) -> Event:
    """Record an event in the stream of the open scope: the tenant's, the person's own, or the platform's.

    `object` is `{"id": public id, "object": noun, …changed public fields}`, `previous` their old values.
    `personal` holds values that may be erased later, by field of the object (`email`) or by path
    (`previous.email`). An organization's caller writes events of its organization. Request id, address and
    agent string come from the running request.

    Raises UnknownEventType, EventRefused (off its declaration, over 64 KiB), SecretInEvent, and whatever the
    database raises.
    """
    draft = Draft(type, actor, object, previous, organization_id, personal, on_behalf_of, delegation)
    return emit_many([draft])[0]


def emit_many(drafts: Sequence[Draft]) -> list[Event]:
    """Record several events in one statement, in their order: group commits of high-volume events."""
    opened = scope.require()
    if opened.kind is scope.Kind.RELAY:
        raise scope.ScopeError("the relay writes no events: open the tenant's scope")
    if not drafts:
        return []
    try:
        known = context.current()
        written = [compose(draft, opened, known) for draft in drafts]
        write(written)
    except Exception:
        # Whoever swallows the error still saves nothing: the change must not stand without its record.
        transaction.set_rollback(True, using=opened.alias)
        raise
    return [one.event for one in written]


def write(written: Sequence[Written]) -> None:
    """Insert composed events in the open scope and tell the sealer after the commit."""
    opened = scope.require()
    _insert(opened, written)
    nudge.after_commit(opened.alias)


def compose(draft: Draft, opened: scope.Scope, known: context.RequestContext) -> Written:
    """Return the event of a draft as it will be stored; raises as `emit` does, and touches no row."""
    origin = source.of(opened)
    declared = registry.get(draft.type)
    envelope.check(declared, draft.object, draft.previous or {})
    organization_id = _organization(draft, opened)
    event_id = _new_id(draft.at)
    personal = _personal(declared, draft, known)
    whole = envelope.head(declared, event_id, origin.uri, draft.object["id"])
    whole["mode"] = origin.mode
    if opened.tenant_id is not None:
        whole["tenantid"] = ids.encode("ten", opened.tenant_id)
    if organization_id is not None:
        whole["orgid"] = ids.encode("org", organization_id)
    whole["data"] = _data(draft, known)
    salts = {name: (value, *envelope.salted(name, value)) for name, value in personal.items()}
    if salts:
        whole["personal"] = {name: digest for name, (_, _, digest) in salts.items()}
    event = models.new(
        Event,
        id=event_id,
        tenant_id=opened.tenant_id,
        account_id=opened.account_id,
        organization_id=organization_id,
        type=declared.name,
        actor_type=str(draft.actor.type),
        actor_id=draft.actor.id,
        on_behalf_of=draft.on_behalf_of.id if draft.on_behalf_of else "",
        object_type=declared.object,
        object_id=draft.object["id"],
        request_id=known.request_id,
        mode=origin.mode,
        canonical=envelope.canonical(whole),
        created_at=envelope.moment_of(event_id),
    )
    return Written(event, [(name, salt, value) for name, (value, salt, _) in salts.items()])


def _new_id(at: datetime | None) -> uuid.UUID:
    fresh = ids.uuid7()
    if at is None:
        return fresh
    return uuid.UUID(int=envelope.floor_of(at).int | fresh.int & (1 << 80) - 1)


def _organization(draft: Draft, opened: scope.Scope) -> uuid.UUID | None:
    if opened.organization in ("", scope.ALL_ORGANIZATIONS):
        return draft.organization_id
    return draft.organization_id or uuid.UUID(opened.organization)


def _data(draft: Draft, known: context.RequestContext) -> dict[str, Any]:
    data: dict[str, Any] = {"object": dict(draft.object), "actor": envelope.actor_of(draft.actor)}
    if draft.previous:
        data["previous"] = dict(draft.previous)
    if draft.on_behalf_of is not None:
        data["on_behalf_of"] = envelope.actor_of(draft.on_behalf_of)
    if draft.delegation:
        data["delegation"] = draft.delegation
    optional = {"session": known.session, "reason": known.reason, "idempotency_key": known.idempotency_key}
    data["context"] = {"request_id": known.request_id, **{k: v for k, v in optional.items() if v}}
    return data


def _personal(declared: registry.EventType, draft: Draft, known: context.RequestContext) -> dict[str, str]:
    """Return personal values by path; raises EventRefused for a field that is not declared."""
    found = {"context.ip": known.ip, "context.user_agent": known.user_agent[:500].replace("\0", "")}
    for name, value in (draft.personal or {}).items():
        path = name if "." in name else f"object.{name}"
        part, _, field = path.partition(".")
        if part not in ("object", "previous") or field not in declared.fields:
            raise EventRefused(f"{declared.name} declares no field {name}")
        found[path] = value
    # An empty value of before says that the field was empty; one of now says nothing that its absence does not.
    return {path: value for path, value in found.items() if value or path.startswith("previous.")}


def _insert(opened: scope.Scope, written: Sequence[Written]) -> None:
    """Insert all rows in one statement, which waits for the next one or for the commit."""
    alone = len(written) == 1 and len(written[0].personal) <= FEW
    statement, values = _of_one(written[0]) if alone else _of_many(written)
    statement.post(values, using=opened.alias)


def _of_one(one: Written) -> tuple[Prepared, dict[str, Any]]:
    """Return the statement of one event, where each value stands once however often it is stored."""
    values = {column: getattr(one.event, column) for column in _EVENT}
    for number, (name, salt, value) in enumerate(one.personal):
        values |= {f"name{number}": name, f"salt{number}": salt, f"value{number}": value}
    return _statement_of_one(len(one.personal)), values


@lru_cache
def _statement_of_one(personal: int) -> Prepared:
    parts = [_insertion("events_event", _EVENT, [_EVENT])]
    if personal:
        shared = ["id", *list(_PERSONAL)[1:4]]
        places = [
            [*shared, *(f"{part}{number}" for part in ("name", "salt", "value"))]
            for number in range(personal)
        ]
        parts.append(_insertion("events_eventpersonal", _PERSONAL, places))
    return _joined([*parts, _insertion("events_pendingevent", _PENDING, [["tenant_id", "account_id", "id"]])])


def _insertion(table: str, columns: Iterable[str], places: Iterable[Iterable[str]]) -> str:
    lines = [f"({', '.join(f'%({name})s' for name in line)})" for line in places]
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join(lines)}"  # noqa: S608 — constants only


def _of_many(written: Sequence[Written]) -> tuple[Prepared, list[Any]]:
    """Return one statement whatever the number of events, with an array for each column."""
    events = [[getattr(one.event, column) for column in _EVENT] for one in written]
    personal = [
        [e.id, e.tenant_id, e.account_id, e.organization_id, *value]
        for e, values in ((one.event, one.personal) for one in written)
        for value in values
    ]
    pending = [[one.event.tenant_id, one.event.account_id, one.event.id] for one in written]
    return _STATEMENT_OF_MANY, [
        *rows.arrays(_EVENT, events),
        *rows.arrays(_PERSONAL, personal),
        *rows.arrays(_PENDING, pending),
    ]


def _joined(parts: Sequence[str]) -> Prepared:
    named = ", ".join(f"part{number} AS ({part})" for number, part in enumerate(parts[:-1]))
    return Prepared(f"WITH {named} {parts[-1]}")


_STATEMENT_OF_MANY = _joined(
    [
        rows.insert("events_event", _EVENT),
        rows.insert("events_eventpersonal", _PERSONAL),
        rows.insert("events_pendingevent", _PENDING),
    ]
)
