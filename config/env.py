"""Typed reading of environment variables; the only place that touches `os.environ` for settings.

Every reader takes `NAME` or, for secrets mounted as files, `NAME_FILE` (the file's text, stripped).
An empty variable counts as unset. A reader without a default raises `BadEnvironment` when the
variable is missing; a value that does not parse always raises, naming the variable but never
printing its value, which may be a secret.
"""

from __future__ import annotations

import base64
import binascii
import builtins
import os
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off"}


class BadEnvironment(ImproperlyConfigured):
    """A variable is missing, unreadable or malformed; the message says which and what it should be."""


def text(name: str, default: str | None = None) -> str:
    """Return the variable's text; raises BadEnvironment when it is unset and has no default."""
    value = _raw(name)
    if value is not None:
        return value
    if default is None:
        raise BadEnvironment(f"{name} is not set. Set it, or {name}_FILE to the path of a file holding it.")
    return default


def int(name: str, default: builtins.int | None = None, *, least: builtins.int | None = None) -> builtins.int:
    """Return a whole number, not below `least`."""
    value = text(name, None if default is None else str(default))
    try:
        number = builtins.int(value)
    except ValueError:
        raise BadEnvironment(f"{name} must be a whole number.") from None
    if least is not None and number < least:
        raise BadEnvironment(f"{name} must be at least {least}.")
    return number


def bool(name: str, default: builtins.bool | None = None) -> builtins.bool:
    """Return a switch: 1, true, yes, on or 0, false, no, off."""
    value = text(name, None if default is None else str(default)).lower()
    if value in TRUE | FALSE:
        return value in TRUE
    raise BadEnvironment(f"{name} must be one of {', '.join(sorted(TRUE | FALSE))}.")


def list(name: str, default: builtins.list[str] | None = None) -> builtins.list[str]:
    """Return the comma-separated items, stripped, empty ones dropped."""
    value = text(name, None if default is None else ",".join(default))
    return [item.strip() for item in value.split(",") if item.strip()]


def networks(name: str, default: builtins.list[str] | None = None) -> builtins.list[str]:
    """Return comma-separated addresses and networks, such as 10.0.0.0/8 or ::1."""
    found = list(name, default)
    try:
        for network in found:
            ip_network(network)
    except ValueError:
        raise BadEnvironment(f"{name} must be a list of addresses or networks.") from None
    return found


def choice(name: str, allowed: builtins.list[str], default: str | None = None) -> str:
    """Return one of the allowed words."""
    value = text(name, default)
    if value not in allowed:
        raise BadEnvironment(f"{name} must be one of {', '.join(allowed)}.")
    return value


def url(name: str, default: str | None = None, *, schemes: builtins.list[str] | None = None) -> str:
    """Return a URL with a scheme out of `schemes`, without a trailing slash.

    Unix-socket URLs (`postgresql://user:pw@/name?host=/dir`, `unix:///path`) have no host, so only
    http and https require one.
    """
    value = text(name, default)
    parts = urlsplit(value)
    if not parts.scheme or (parts.scheme in {"http", "https"} and not parts.hostname):
        raise BadEnvironment(f"{name} must be an absolute URL.")
    if schemes and parts.scheme not in schemes:
        raise BadEnvironment(f"{name} must start with {' or '.join(f'{scheme}://' for scheme in schemes)}.")
    return value.rstrip("/")


def keyring(name: str, *, size: builtins.int = 32) -> dict[str, bytes]:
    """Return `id:base64key,…` in order: the first key seals, all of them open.

    Raises BadEnvironment on a repeated id, bad base64, or fewer than `size` bytes.
    """
    keys: dict[str, bytes] = {}
    for item in list(name):
        key_id, separator, encoded = item.partition(":")
        if not separator or not key_id or key_id in keys:
            raise BadEnvironment(f"{name} must be a list id:base64key,… with ids that differ.")
        keys[key_id] = _key(name, key_id, encoded, size)
    if not keys:
        raise BadEnvironment(f"{name} holds no key.")
    return keys


def _key(name: str, key_id: str, encoded: str, size: builtins.int) -> bytes:
    padded = encoded.replace("-", "+").replace("_", "/") + "=" * (-len(encoded) % 4)
    try:
        key = base64.b64decode(padded, validate=True)
    except (binascii.Error, ValueError):
        raise BadEnvironment(f"{name}: the key {key_id!r} is not base64.") from None
    if len(key) < size:
        raise BadEnvironment(f"{name}: the key {key_id!r} has {len(key)} bytes, it needs {size}.")
    return key


def _raw(name: str) -> str | None:
    path = os.environ.get(f"{name}_FILE", "")
    value = os.environ.get(name, "")
    if path and value:
        raise BadEnvironment(f"{name} and {name}_FILE are both set. Keep one of them.")
    if not path:
        return value or None
    try:
        return Path(path).read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError) as error:
        raise BadEnvironment(f"{name}_FILE names {path}, which cannot be read: {error}.") from None
