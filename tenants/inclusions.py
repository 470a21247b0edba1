"""What `include=` adds to members: facts of higher apps, read for a whole page at once (api-conventions §3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import InsufficientRole, InsufficientScope
from core.principal import Principal

NAMES = ("groups", "organizations", "roles")
Load = Callable[[Sequence[str]], Iterable[tuple[str, dict[str, Any]]]]


@dataclass(frozen=True)
class Inclusion:
    """`load` yields (subject, shown) for members by subject; the caller needs `permission` to see it."""

    permission: str
    load: Load


_known: dict[str, Inclusion] = {}


def included_in_members(name: str, permission: str) -> Callable[[Load], Load]:
    """Register what one of NAMES stands for."""

    def register(load: Load) -> Load:
        _known[name] = Inclusion(permission, load)
        return load

    return register


def add(actor: Principal, names: Iterable[str], shown: Sequence[dict[str, Any]]) -> None:
    """Add to shown members what is asked for, in the open scope.

    Raises InsufficientScope and InsufficientRole for what the caller may not read by itself.
    """
    for name in names:
        inclusion = _known[name]
        _check(actor, inclusion.permission)
        found: Mapping[str, list[dict[str, Any]]] = {str(one["id"]): [] for one in shown}
        for subject, fact in inclusion.load(list(found)):
            found[subject].append(fact)
        for one in shown:
            one[name] = found[str(one["id"])]


def _check(actor: Principal, permission: str) -> None:
    if permission not in actor.scopes:
        raise InsufficientScope(f"{permission} is needed.", required={"scopes": [permission]})
    if not actor.may(permission):
        raise InsufficientRole(f"{permission} is needed.", required={"permissions": [permission]})
