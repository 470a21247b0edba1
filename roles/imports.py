"""Taking a catalogue of scopes over from a file: all of it or nothing."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from core.errors import FieldError, ValidationFailed
from core.principal import Principal
from events.services import emit
from roles import resources, scope_import, selectors
from roles.models import ApiResource, Scope
from roles.scope_import import Entry


@dataclass(frozen=True)
class Imported:
    """What an import did, or would do: scopes by value."""

    created: tuple[str, ...]
    updated: tuple[str, ...]
    unchanged: tuple[str, ...]
    dry_run: bool


def import_scopes(
    *, actor: Principal, resource: ApiResource, content: str, format: str = "auto", dry_run: bool = False
) -> Imported:
    """Add the scopes of a file and bring descriptions up to date; nothing is ever deleted.

    Raises ValidationFailed with every fault, naming the scope.
    """
    resources.changeable(actor, resource)
    known = {row.value: row for row in selectors.scopes_of(resource)}
    entries = scope_import.read(content, format)
    fresh = [entry for entry in entries if entry.value not in known]
    changed = [entry for entry in entries if entry.value in known and differences(known[entry.value], entry)]
    _check(resource, known, entries)
    if not dry_run:
        with transaction.atomic():
            _create(actor, resource, fresh)
            for entry in changed:
                _update(actor, resource, known[entry.value], entry)
            resources.forget(resource)
    same = [entry for entry in entries if entry not in fresh and entry not in changed]
    return Imported(_values(fresh), _values(changed), _values(same), dry_run)


def _values(entries: list[Entry]) -> tuple[str, ...]:
    return tuple(entry.value for entry in entries)


def differences(row: Scope, entry: Entry) -> dict[str, object]:
    """Return what the file says otherwise; what it does not say stays."""
    said = {
        "description": entry.description or row.description,
        "features": row.features if entry.features is None else list(entry.features),
        "bundles": row.bundles if entry.bundles is None else list(entry.bundles),
    }
    return {name: value for name, value in said.items() if getattr(row, name) != value}


def _check(resource: ApiResource, known: dict[str, Scope], entries: list[Entry]) -> None:
    declared = {value: row.bundles for value, row in known.items()}
    declared |= {entry.value: list(entry.bundles or ()) for entry in entries if entry.value not in known}
    faults = []
    for entry in entries:
        row = known.get(entry.value)
        if row is not None and entry.bundles is not None and bool(row.bundles) != bool(entry.bundles):
            faults.append(f"{entry.value}: a scope stays what it is.")
            continue
        scope = Scope(
            value=entry.value, bundles=list(entry.bundles or ()), features=list(entry.features or ())
        )
        others = {value: bundles for value, bundles in declared.items() if value != entry.value}
        try:
            resources.check_scope(resource, scope, others)
        except ValidationFailed as refused:
            faults += [f"{entry.value}: {error.detail}" for error in refused.errors]
    if faults:
        raise ValidationFailed(errors=[FieldError("/content", "invalid", fault) for fault in faults[:50]])


def _create(actor: Principal, resource: ApiResource, entries: list[Entry]) -> None:
    for entry in entries:
        scope = Scope.objects.create(
            resource=resource,
            value=entry.value,
            description=entry.description,
            bundles=list(entry.bundles or ()),
            features=list(entry.features or ()),
        )
        emit("scope.created", actor=actor.actor, object=resources.describe_scope(scope, resource))


def _update(actor: Principal, resource: ApiResource, scope: Scope, entry: Entry) -> None:
    changes = differences(scope, entry)
    before = {name: getattr(scope, name) for name in changes}
    for name, value in changes.items():
        setattr(scope, name, value)
    scope.save(update_fields=[*changes, "updated_at"])
    shown = resources.describe_scope(scope, resource)
    emit("scope.updated", actor=actor.actor, object=shown, previous=before)
