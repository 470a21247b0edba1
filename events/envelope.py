"""The envelope: CloudEvents 1.0 JSON and Standard Webhooks payload in one, and its canonical bytes.

Canonical is RFC 8785 text. Python's own encoder writes that form for what events may hold (strings,
booleans, null, integers below 2^53, names in ASCII), so no slower library stands on the hot path; a test
compares the two.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.utils.functional import Promise

from core import ids, secrets
from core.principal import Actor
from events.errors import EventRefused, SecretInEvent
from events.registry import EventType, looks_secret

MAX_BYTES = 64 * 1024
SAFE_INTEGER = 2**53
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECRETS = re.compile(
    rf"{secrets.ANY_KEY_PATTERN}|\bwhsec_[A-Za-z0-9+/]{{20,}}|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"
)
# Every letter and digit becomes "a": the body of a key is then so many of them in a row.
_LETTERS = bytes(ord("a") if chr(code).isalnum() and code < 128 else ord(" ") for code in range(256))
_KEY_BODY = b"a" * secrets.BODY_LENGTH
_MARKS = ("whsec_", "PRIVATE KEY", "eyJ")
_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str, datetime, Promise),
    "integer": (int,),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (Mapping,),
    "null": (type(None),),
}


def moment_of(event_id: uuid.UUID) -> datetime:
    """Return the time that a UUIDv7 carries, to the millisecond: an event's `created_at`."""
    return EPOCH + timedelta(milliseconds=event_id.int >> 80)


def floor_of(moment: datetime) -> uuid.UUID:
    """Return the least UUIDv7 of a moment: bounds on time become bounds on the key."""
    milliseconds = -((EPOCH - moment) // timedelta(milliseconds=1))  # rounds up: no id of before it
    return uuid.UUID(int=max(milliseconds, 0) << 80)


def reaching(moment: datetime) -> uuid.UUID:
    """Return the least UUIDv7 that an event at or after a moment can have: ids know only milliseconds."""
    return floor_of(moment.replace(microsecond=moment.microsecond // 1000 * 1000))


def timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def head(declared: EventType, event_id: uuid.UUID, source: str, subject: str) -> dict[str, Any]:
    """Return the top-level members that need no scope."""
    time = timestamp(moment_of(event_id))
    return {
        "specversion": "1.0",
        "id": ids.encode("evt", event_id),
        "type": declared.name,
        "source": source,
        "subject": subject,
        "time": time,
        "timestamp": time,
        "dataschema": f"{settings.ORIGIN}/schemas/events/{declared.name}/{declared.version}",
        "apiversion": settings.API_VERSION,
    }


def actor_of(actor: Actor) -> dict[str, str]:
    shown = {"type": str(actor.type), "id": actor.id}
    return {**shown, "via": actor.via} if actor.via else shown


def check(declared: EventType, shown: Mapping[str, Any], previous: Mapping[str, Any]) -> None:
    """Raise EventRefused unless both hold declared fields of the declared types."""
    if shown.get("object") != declared.object or not isinstance(shown.get("id"), str):
        raise EventRefused(f'{declared.name} is about {{"id": …, "object": "{declared.object}"}}')
    admitted = declared.kinds
    for part in (shown, previous):
        for name, value in part.items():
            kinds = admitted.get(name)
            if kinds is None:
                raise EventRefused(f"{declared.name} declares no field {name}")
            if kinds and not any(_is(kind, value) for kind in kinds):
                raise EventRefused(f"{declared.name}: {name} must be {' or '.join(kinds)}, not {value!r:.60}")
            if not isinstance(value, str):
                _check_value(name, value)


def _is(kind: str, value: Any) -> bool:
    return isinstance(value, _KINDS.get(kind, ())) and not (kind == "integer" and isinstance(value, bool))


def _check_value(name: str, value: Any) -> None:
    if isinstance(value, int) and not -SAFE_INTEGER < value < SAFE_INTEGER:
        raise EventRefused(f"{name}: integers beyond 2^53 are written as strings")
    if isinstance(value, float):
        raise EventRefused(f"{name}: no floating point in events; use integers of a smaller unit")
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str) or looks_secret(key):
                raise EventRefused(f"{name}.{key} is named like a secret")
            _check_value(key, inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            _check_value(name, inner)


def canonical(envelope: Mapping[str, Any]) -> bytes:
    """Return the RFC 8785 text in UTF-8.

    Raises SecretInEvent for values with the form of a secret, EventRefused for what JSON cannot hold or
    more than 64 KiB.
    """
    try:
        text = _encoder().encode(envelope)
        data = text.encode()
    except (TypeError, ValueError) as error:  # UnicodeEncodeError is a ValueError: lone surrogates
        raise EventRefused(f"the event cannot be written as JSON: {error}") from None
    if not text.isascii() and _needs_sorting(envelope):
        data = _sorted_by_utf16(json.loads(text))
    if holds_secret(text):
        raise SecretInEvent
    if len(data) > MAX_BYTES:
        raise EventRefused(f"the event has {len(data)} bytes, more than {MAX_BYTES}")
    return data


@lru_cache
def _encoder() -> json.JSONEncoder:
    form: dict[str, Any] = {"sort_keys": True, "separators": (",", ":"), "ensure_ascii": False}
    return json.JSONEncoder(**form, allow_nan=False, default=_plain)


def holds_secret(text: str) -> bool:
    """Whether a part has the form of an API key, a webhook secret, a private key or a JWT.

    The patterns are slow to try everywhere, so cheap marks decide whether to look at all.
    """
    likely = any(mark in text for mark in _MARKS) or _KEY_BODY in text.encode().translate(_LETTERS)
    return likely and _SECRETS.search(text) is not None


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, Promise):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no JSON value")


def _needs_sorting(value: Any) -> bool:
    """Whether a name lies beyond ASCII, where RFC 8785 §3.2.3 (UTF-16 order) may differ from Python's."""
    if isinstance(value, Mapping):
        return any(not key.isascii() or _needs_sorting(inner) for key, inner in value.items())
    return isinstance(value, (list, tuple)) and any(_needs_sorting(inner) for inner in value)


def _sorted_by_utf16(value: Any) -> bytes:
    import rfc8785

    return rfc8785.dumps(value)


def salted(name: str, value: str) -> tuple[bytes, str]:
    """Return a new salt and the digest that stands for a personal value in the canonical bytes."""
    salt = os.urandom(16)
    return salt, digest_of(salt, name, value)


def digest_of(salt: bytes, name: str, value: str) -> str:
    told = hashlib.sha256(b"\0".join((salt, name.encode(), value.encode()))).digest()
    return base64.urlsafe_b64encode(told).decode()


def render(canonical_bytes: bytes, personal: Mapping[str, str], sequence: int | None) -> dict[str, Any]:
    """Return the envelope for readers: personal values in their places, `sequence` once it is sealed."""
    envelope: dict[str, Any] = json.loads(canonical_bytes)
    for name in envelope.pop("personal", ()):
        *path, last = name.split(".")
        place = envelope["data"]
        for step in path:
            place = place.setdefault(step, {})
        place[last] = personal.get(name)
    if sequence is not None:
        envelope["sequence"] = f"{sequence:013d}"
    return envelope
