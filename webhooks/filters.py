"""Event filters of endpoints: exact names, `user.*`, and `*`.

High-volume events reach only endpoints that name them exactly: a wildcard skips them.
"""

from __future__ import annotations

from collections.abc import Iterable

from core.errors import FieldError, ValidationFailed
from events import registry

MAX_PATTERNS = 200


def check(patterns: Iterable[str]) -> list[str]:
    """Return the patterns sorted, each once; raises ValidationFailed for one that can never match."""
    found = sorted(set(patterns))
    if not found or len(found) > MAX_PATTERNS:
        raise ValidationFailed(
            errors=[FieldError("/events", "invalid", f"Name 1 to {MAX_PATTERNS} events or wildcards.")]
        )
    errors = [_unknown(pattern) for pattern in found if not _is_known(pattern)]
    if errors:
        raise ValidationFailed(errors=errors)
    return found


def _is_known(pattern: str) -> bool:
    if pattern == "*":
        return True
    if pattern.endswith(".*") and "*" not in pattern[:-1]:
        return bool(registry.expand([pattern]))
    return "*" not in pattern and bool(registry.expand([pattern]))


def _unknown(pattern: str) -> FieldError:
    detail = f"{pattern} is no event. Take names from GET /v1/event-types, or a wildcard such as user.*."
    return FieldError("/events", "unknown_event", detail)


def matches(patterns: Iterable[str], event_type: str) -> bool:
    """Whether an event of this type goes to an endpoint with these patterns."""
    if event_type in (known := set(patterns)):
        return True
    if is_high_volume(event_type):
        return False
    return "*" in known or any(
        pattern.endswith(".*") and event_type.startswith(pattern[:-1]) for pattern in known
    )


def is_high_volume(event_type: str) -> bool:
    """Whether only exact names match; a type that is declared no longer is treated so."""
    try:
        return registry.get(event_type).high_volume
    except registry.UnknownEventType:
        return True
