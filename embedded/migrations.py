"""Tells whether migrating could change anything, without loading Django."""

from __future__ import annotations

import hashlib
from pathlib import Path


def digest(root: Path) -> str:
    """Return a digest of what decides the work of `migrate`: our files, and the lock for the libraries'."""
    found = hashlib.sha256()
    row_security = (root / "core" / "rls").glob("*.py")
    sources = [*root.glob("*/migrations/**/*.py"), *row_security, root / "core" / "provision.py"]
    sources += [root / "config" / "settings.py", root / "requirements.lock"]
    for path in sorted(sources):
        found.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes() + b"\0")
    return found.hexdigest()[:16]
