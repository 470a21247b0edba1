"""`var/demo.json`: what outside test programs need to know of the demo. Mode 600: it holds secrets."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from django.conf import settings

Record = dict[str, Any]


def path() -> Path:
    return Path(settings.VAR_DIR) / "demo.json"


def load() -> Record:
    """Return the record of an earlier run, empty when there is none or it cannot be read."""
    try:
        found: Record = json.loads(path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def save(record: Record) -> None:
    """Replace the record in one step, readable by its owner only."""
    target = path()
    draft = target.with_suffix(".draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(record, file, indent=2)
        file.write("\n")
    draft.replace(target)
