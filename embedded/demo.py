"""What the demo left for the person who tries it: addresses and sign-ins."""

from __future__ import annotations

import json
from pathlib import Path


def lines(path: Path) -> list[str]:
    """Return the demo's addresses and sign-ins, one line each, as `manage.py demo` wrote them."""
    try:
        demo = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    found = []
    for name, value in demo.items():
        if isinstance(value, str):
            found.append(f"  {name.replace('_', ' ').capitalize():<12} {value}")
        if isinstance(value, list):
            found += ["  " + "  ".join(str(part) for part in entry.values()) for entry in value]
    return found
