"""Reading JSON bodies strictly: one object, UTF-8, no duplicates, bounded in size and depth."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from rest_framework.parsers import BaseParser

from core.errors import MalformedRequest, PayloadTooLarge

MOST_VALUES = 10_000  # in one body: each is checked by itself, which takes much longer than reading it
NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")  # as json writes the character, not the six letters


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise MalformedRequest("A member name appears twice in one object. Send each name once.")
    return result


def _constant(name: str) -> Any:
    raise MalformedRequest(f"{name} is not JSON (RFC 8259 §6). Send a finite number.")


def _integer(digits: str) -> int:
    if len(digits) > 20:
        raise MalformedRequest("A number has more than 20 digits. Send it as a string.")
    return int(digits)


def _fraction(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise MalformedRequest("A number is too large. Send it as a string.")
    return value


def read_json(raw: bytes) -> dict[str, Any]:
    """Return the object in `raw`; raises MalformedRequest or PayloadTooLarge.

    NUL and lone surrogates are refused here: PostgreSQL cannot store them, and nothing honest sends them.
    """
    if len(raw) > settings.API_MAX_BODY:
        raise PayloadTooLarge(f"At most {settings.API_MAX_BODY} bytes are taken.")
    try:
        text = raw.decode("utf-8")
        if nests_deeper(text, settings.API_MAX_DEPTH):
            raise MalformedRequest(f"The body nests deeper than {settings.API_MAX_DEPTH} levels.")
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_int=_integer,
            parse_float=_fraction,
        )
        if text.count(",") >= MOST_VALUES and holds_more(value, MOST_VALUES):
            raise MalformedRequest(f"The body holds more than {MOST_VALUES} values.")
        written = json.dumps(value, ensure_ascii=False)
        written.encode("utf-8")
    except (ValueError, RecursionError):
        raise MalformedRequest from None
    if NUL.search(written):
        raise MalformedRequest("A string holds a NUL character. Send it without.")
    if not isinstance(value, dict):
        raise MalformedRequest("The body must be one JSON object.")
    return value


def nests_deeper(text: str, most: int) -> bool:
    """Whether brackets nest deeper than `most`; few bodies have so many brackets that they must be walked."""
    if text.count("[") + text.count("{") <= most:
        return False
    return any(depth > most for depth in depths(text))


def holds_more(value: Any, most: int) -> bool:
    """Whether there are more than `most` members and items in a value, at whatever depth."""
    waiting, seen = [value], 0
    while waiting and seen <= most:
        one = waiting.pop()
        inner = list(one.values()) if isinstance(one, dict) else one if isinstance(one, list) else []
        seen += len(inner)
        waiting += (item for item in inner if isinstance(item, dict | list))
    return seen > most


def depths(text: str) -> Iterator[int]:
    """Yield how deep each bracket outside strings opens, without parsing."""
    depth = 0
    quoted = escaped = False
    for character in text:
        if quoted:
            quoted = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            quoted = True
        elif character in "[{":
            depth += 1
            yield depth
        elif character in "]}":
            depth -= 1


class JsonParser(BaseParser):
    media_type = "application/json"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> dict[str, Any]:
        raw = stream.read(settings.API_MAX_BODY + 1)
        return read_json(raw) if raw else {}


class MergePatchParser(JsonParser):
    """JSON Merge Patch (RFC 7396); `null` clears a field."""

    media_type = "application/merge-patch+json"
