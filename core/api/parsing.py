"""Reading JSON bodies strictly: one object, UTF-8, no duplicates, bounded in size and depth."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from django.conf import settings
from rest_framework.parsers import BaseParser

from core.errors import MalformedRequest, PayloadTooLarge

MOST_VALUES = 10_000  # in one body: each is checked by itself, which takes much longer than reading it
# Also one that never ends, or each quote in it would begin another.
STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
NO_BRACKET = re.compile(r"[^\[\]{}]+")
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
        _bound(text)
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_int=_integer,
            parse_float=_fraction,
        )
        written = json.dumps(value, ensure_ascii=False)
        written.encode("utf-8")
    except (ValueError, RecursionError):
        raise MalformedRequest from None
    if NUL.search(written):
        raise MalformedRequest("A string holds a NUL character. Send it without.")
    if not isinstance(value, dict):
        raise MalformedRequest("The body must be one JSON object.")
    return value


def _bound(text: str) -> None:
    """Refuse what is cheap to send and dear to read, before it is read.

    Every comma outside of strings stands for a value. Few bodies have so many commas or brackets that their
    strings must be taken out to count.
    """
    depth, values = settings.API_MAX_DEPTH, MOST_VALUES
    if text.count("[") + text.count("{") <= depth and text.count(",") < values:
        return
    outline = STRING.sub("", text)
    if nests_deeper(outline, depth):
        raise MalformedRequest(f"The body nests deeper than {depth} levels.")
    if outline.count(",") >= values:
        raise MalformedRequest(f"The body holds more than {values} values.")


def nests_deeper(outline: str, most: int) -> bool:
    """Whether the brackets of a text without strings nest deeper than `most`."""
    depth = 0
    for bracket in NO_BRACKET.sub("", outline):
        depth += 1 if bracket in "[{" else -1
        if depth > most:
            return True
    return False


class JsonParser(BaseParser):
    media_type = "application/json"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> dict[str, Any]:
        raw = stream.read(settings.API_MAX_BODY + 1)
        return read_json(raw) if raw else {}


class MergePatchParser(JsonParser):
    """JSON Merge Patch (RFC 7396); `null` clears a field."""

    media_type = "application/merge-patch+json"
