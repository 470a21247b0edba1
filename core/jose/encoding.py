"""Base64url and JSON without their latitude: one spelling for each value, no duplicate names."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, NoReturn

from .errors import TokenError


def encode(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def decode(segment: bytes) -> bytes:
    """Strict base64url (RFC 7515 §2): its alphabet only, no padding, no stray bits. Raises TokenError."""
    try:
        data = base64.urlsafe_b64decode(segment + b"=" * (-len(segment) % 4))
    except (binascii.Error, ValueError):
        raise TokenError("malformed") from None
    if encode(data) != segment:  # Python's decoder skips what is not in the alphabet
        raise TokenError("malformed")
    return data


def dump(value: Any) -> bytes:
    return _compact(value).encode()


_compact = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def load_object(data: bytes) -> dict[str, Any]:
    """A JSON object; duplicate names (RFC 7515 §4), NaN, other types and deep nesting raise TokenError."""
    try:
        value = _decoder.decode(data.decode())
    except (ValueError, RecursionError):
        raise TokenError("malformed") from None
    if not isinstance(value, dict):
        raise TokenError("malformed")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate name")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)
