"""The manifest beside a dump: what it is, and which keys it needs. It holds no key."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import CommandError

KEYRINGS = ("SECRET_KEYS", "PEPPERS")
FORMAT = 1


def write(directory: Path, dump: Path) -> dict[str, Any]:
    """Write `manifest.json` for a dump that has just been made."""
    manifest = {
        "format": FORMAT,
        "version": settings.VERSION,
        "origin": settings.ORIGIN,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "dump": {"name": dump.name, "sha256": digest(dump)},
        "keys": {name: fingerprints(getattr(settings, name)) for name in KEYRINGS},
    }
    (directory / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    return manifest


def read(directory: Path) -> dict[str, Any]:
    """Read the manifest and hold the dump and our keys to it; raises CommandError saying what is wrong."""
    try:
        manifest: dict[str, Any] = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
        dump = directory / manifest["dump"]["name"]
        is_whole = manifest["format"] == FORMAT and digest(dump) == manifest["dump"]["sha256"]
        wanted = {name: manifest["keys"][name] for name in KEYRINGS}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CommandError(f"{directory} is not a backup: {error}") from None
    if not is_whole:
        raise CommandError(f"{dump} is not the file that was backed up: its digest differs.")
    for name, keys in wanted.items():
        _check_keys(name, keys)
    return manifest


def _check_keys(name: str, wanted: dict[str, str]) -> None:
    held = fingerprints(getattr(settings, name))
    absent = [key_id for key_id in wanted if held.get(key_id) != wanted[key_id]]
    if absent:
        raise CommandError(
            f"{name} lacks the keys that this backup was sealed with: {', '.join(absent)}."
            " Without them its secrets cannot be opened. Nothing was restored."
        )


def fingerprints(ring: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    """Return a fingerprint of each key by its id, so that another key under the same id is noticed."""
    return {
        key_id: hmac.new(key, b"claviger backup manifest", hashlib.sha256).hexdigest()[:16]
        for key_id, key in ring
    }


def digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
