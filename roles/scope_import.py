"""Reading a catalogue of scopes from a file: JSON, CSV, or one scope a line (AZ-01)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import FieldError, ValidationFailed
from roles.scope_words import TOKEN, WILDCARD

FORMATS = ("auto", "json", "csv", "lines")
MOST, LONGEST = 1000, 256 * 1024
NAMES = ("value", "scope", "name")
LISTS = ("bundles", "features")


@dataclass(frozen=True)
class Entry:
    """A scope as the file has it. `bundles` and `features` are None where the file says nothing of them."""

    value: str
    description: str = ""
    bundles: tuple[str, ...] | None = None
    features: tuple[str, ...] | None = None


def read(content: str, format: str = "auto") -> list[Entry]:
    """Return what a file declares, bundles last. Raises ValidationFailed with every fault and where it is."""
    if len(content) > LONGEST:
        raise refused([f"At most {LONGEST // 1024} KiB."])
    try:
        entries = list(_readers[format if format != "auto" else guess(content)](content))
    except (ValueError, RecursionError, csv.Error) as error:
        raise refused([f"The file cannot be read: {error}"]) from None
    faults = [fault for number, entry in enumerate(entries, 1) if (fault := _fault(number, entry))]
    if not entries:
        faults = ["The file holds no scope."]
    elif len(entries) > MOST:
        faults = [f"At most {MOST} scopes."]
    elif len({entry.value for entry in entries}) != len(entries):
        faults.append("A scope is listed twice.")
    if faults:
        raise refused(faults)
    return sorted(entries, key=lambda entry: bool(entry.bundles))


def refused(faults: Iterable[str]) -> ValidationFailed:
    return ValidationFailed(errors=[FieldError("/content", "invalid", fault) for fault in list(faults)[:50]])


def guess(content: str) -> str:
    start = content.lstrip()
    if start[:1] in ("[", "{"):
        return "json"
    first = start.partition("\n")[0].lower()
    return "csv" if "," in first else "lines"


def _json(content: str) -> Iterator[Entry]:
    found = json.loads(content)
    if isinstance(found, dict):
        found = found["scopes"] if isinstance(found.get("scopes"), list | dict) else found
    if isinstance(found, dict):
        found = [{"value": value, "description": text} for value, text in found.items()]
    if not isinstance(found, list):
        raise ValueError("a list of scopes is expected")  # noqa: TRY004 — the file is wrong, not a type
    for item in found:
        yield _entry({"value": item} if isinstance(item, str) else item)


def _csv(content: str) -> Iterator[Entry]:
    rows = [row for row in csv.reader(io.StringIO(content)) if any(cell.strip() for cell in row)]
    head = [cell.strip().lower() for cell in rows[0]] if rows else []
    if not set(NAMES) & set(head):
        head, body = ["value", "description", "features", "bundles"], rows
    else:
        body = rows[1:]
    for row in body:
        cells: dict[str, Any] = dict(zip(head, (cell.strip() for cell in row), strict=False))
        yield _entry({name: cells[name].split() if name in LISTS else cells[name] for name in cells})


def _lines(content: str) -> Iterator[Entry]:
    for line in content.splitlines():
        value, _, description = line.split("#", 1)[0].strip().partition(" ")
        if value:
            yield Entry(value, description.lstrip(" :-\t").strip())


_readers: Mapping[str, Any] = {"json": _json, "csv": _csv, "lines": _lines}


def _entry(item: Any) -> Entry:
    if not isinstance(item, dict):
        raise ValueError("each scope is a text or an object")  # noqa: TRY004
    value = next((item[name] for name in NAMES if name in item), "")
    lists = {name: item[name] for name in LISTS if item.get(name)}
    if not all(
        isinstance(words, list) and all(isinstance(w, str) for w in words) for words in lists.values()
    ):
        raise ValueError("bundles and features are lists of texts")
    texts = (value, item.get("description") or "")
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("value and description are texts")
    kept = {name: tuple(words) for name, words in lists.items()}
    return Entry(*texts, bundles=kept.get("bundles"), features=kept.get("features"))


def _fault(number: int, entry: Entry) -> str:
    if not TOKEN.match(entry.value) or entry.value.endswith(WILDCARD):
        return f"Scope {number}: {entry.value[:40]!r} is not a scope (RFC 6749 section 3.3)."
    if len(entry.description) > 300 or not entry.description.isprintable():
        return f"Scope {number}: the description has at most 300 printable characters."
    return ""
