"""The catalogue of events: every app declares its own in `<app>/events.py`, and this collects them.

    declare("api_key.created", "An API key was created", object="api_key", fields={"name": "string"})

Names are the words of a closed vocabulary: emitting one that nobody declared raises. Reference pages, the
webhook picker and the tests are made from the same declarations.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from threading import Lock
from typing import Any

from django.apps import apps

Schema = dict[str, Any]
NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){1,3}\Z")
# A field with such a name would carry a credential; events go to receivers, exports and archives.
SECRET_NAMES = (
    "password|passwd|passphrase|secret|client_secret|token|access_token|refresh_token|id_token|otp|totp"
    "|recovery_code|authorization_code|code_verifier|user_code|device_code|private_key|private_jwk|api_key"
    "|key_hash|cookie|authorization|assertion"
)
_secret_name = re.compile(rf"(?:.*_)?(?:{SECRET_NAMES})\Z")
_ALWAYS: dict[str, Schema] = {"id": {"type": "string"}, "object": {"type": "string"}}
_SAMPLES: dict[str, Any] = {
    "string": "text",
    "integer": 1,
    "boolean": True,
    "array": [],
    "object": {},
    "null": None,
}
_types: dict[str, EventType] = {}
_lock = Lock()
_loaded = False


class UnknownEventType(LookupError):
    """Nobody declared an event of this name."""


@dataclass(frozen=True)
class EventType:
    """One declared event. `fields` are JSON Schema properties of `data.object` besides `id` and `object`.

    `high_volume` events reach only endpoints that name them exactly; `signal` is the CAEP or RISC event type
    that they are also sent as; `version` numbers the shape and rises when a field is removed or retyped.
    """

    name: str
    description: str
    object: str
    fields: Mapping[str, Schema] = field(default_factory=dict)
    high_volume: bool = False
    signal: str = ""
    version: int = 1

    @property
    def family(self) -> str:
        return self.name.split(".", 1)[0]

    @cached_property
    def properties(self) -> dict[str, Schema]:
        return {**_ALWAYS, **self.fields}

    @cached_property
    def kinds(self) -> dict[str, list[str]]:
        """The JSON types that each property admits; empty admits every type."""
        return {name: kinds_of(schema) for name, schema in self.properties.items()}

    @property
    def schema(self) -> Schema:
        """JSON Schema (2020-12) of `data.object`."""
        head: Schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": self.name}
        shape: Schema = {"type": "object", "properties": self.properties, "required": ["id", "object"]}
        return {**head, "description": self.description, **shape}

    @property
    def example(self) -> dict[str, Any]:
        """A `data.object` that fits the schema, for reference pages and test messages."""
        sample = {name: sample_of(schema) for name, schema in self.fields.items()}
        return {"id": f"{self.object}_01kb3v9z6tf8rj4m2q7wxyzabc", "object": self.object, **sample}


def sample_of(schema: Schema) -> Any:
    for word in ("example", "const", "default"):
        if word in schema:
            return schema[word]
    if schema.get("enum"):
        return schema["enum"][0]
    if schema.get("format") == "date-time":
        return "2026-11-22T10:15:30.123Z"
    kinds = kinds_of(schema)
    return _SAMPLES[kinds[0]] if kinds else None


def kinds_of(schema: Schema) -> list[str]:
    """Return the JSON types that a field's schema admits; empty admits every type."""
    kinds = schema.get("type", [])
    return [kinds] if isinstance(kinds, str) else list(kinds)


def declare(
    name: str,
    description: str,
    *,
    object: str,
    fields: Mapping[str, Schema | str] | None = None,
    high_volume: bool = False,
    signal: str = "",
    version: int = 1,
) -> EventType:
    """Add an event to the catalogue; a field's schema may be shortened to its type, as `"string"`.

    Raises ValueError for a malformed name, a name declared otherwise before, or a field named like a secret.
    """
    shapes = {
        key: {"type": value} if isinstance(value, str) else value for key, value in (fields or {}).items()
    }
    if not NAME.match(name) or not description.strip():
        raise ValueError(f"an event needs a dotted lower-case name and a description: {name!r}")
    if secret := [key for key in shapes if looks_secret(key)]:
        raise ValueError(f"{name}: {secret[0]} is named like a secret, which events never carry")
    declared = EventType(name, description, object, shapes, high_volume, signal, version)
    if _types.setdefault(name, declared) != declared:
        raise ValueError(f"{name} is declared twice, differently")
    return declared


def looks_secret(name: str) -> bool:
    return _secret_name.match(name.lower()) is not None


def autoload() -> None:
    """Import `<app>/events.py` of every installed app, once."""
    global _loaded
    if _loaded:
        return
    with _lock:
        for app in apps.get_app_configs():
            module = f"{app.name}.events"
            if app.name != "events" and find_spec(module) is not None:
                import_module(module)
        _loaded = True


def get(name: str) -> EventType:
    """Return the declared event; raises UnknownEventType."""
    found = _types.get(name)
    if found is None:
        autoload()
        found = _types.get(name)
    if found is None:
        raise UnknownEventType(f"no event is named {name!r}: declare it in the events.py of its app")
    return found


def find(name: str) -> EventType | None:
    """Return the declared event, None where no app declares it any longer: old rows outlive their words."""
    autoload()
    return _types.get(name)


def every() -> list[EventType]:
    """Return the whole catalogue by name."""
    autoload()
    return sorted(_types.values(), key=lambda declared: declared.name)


def expand(patterns: Iterable[str], *, high_volume: bool = True) -> list[str]:
    """Return the names that patterns mean: exact ones, and `user.*` or `*` for all beneath.

    With `high_volume=False` a wildcard skips those. A name that nobody declared contributes nothing.
    """
    names: set[str] = set()
    for pattern in patterns:
        if not pattern.endswith("*"):
            names |= {declared.name for declared in every() if declared.name == pattern}
        else:
            stem = pattern[:-1]
            names |= {
                t.name for t in every() if t.name.startswith(stem) and (high_volume or not t.high_volume)
            }
    return sorted(names)
