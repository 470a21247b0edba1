"""What the demo left for the person who tries it: addresses and sign-ins."""

from __future__ import annotations

import json
from pathlib import Path


def lines(path: Path) -> list[str]:
    """Return the demo's addresses and sign-ins as `manage.py demo` recorded them, empty without a record."""
    try:
        demo = json.loads(path.read_text(encoding="utf-8"))
        tenants = demo["tenants"].items()
        found = [line for name, tenant in tenants for line in _tenant(name, tenant)]
    except (OSError, ValueError, KeyError, AttributeError):
        return []
    return [*found, "", f"Mail of development: {demo['origin']}/mailbox", f"Everything else: {path}"]


def _tenant(name: str, tenant: dict[str, dict[str, str]]) -> list[str]:
    owner, member = tenant["owner"], tenant["member"]
    return [
        "",
        f"{name}: {tenant['dashboard']}",
        f"  administrator  {owner['email']:<22} {owner['password']}",
        f"  member         {member['email']:<22} {member['password']}",
    ]
