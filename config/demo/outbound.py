"""Receivers on this machine that the demo may call: exact host:port lines in development's own file."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from django.conf import settings


def allow(urls: Iterable[str]) -> None:
    """Add the hosts of `urls` to development's allow-list; without such a file nothing is added."""
    path = settings.OUTBOUND_ALLOW_FILE
    if path is None:
        return
    known = path.read_text(encoding="utf-8").split() if path.exists() else []
    wanted = dict.fromkeys([*known, *(address_of(url) for url in urls)])
    path.write_text("\n".join(wanted) + "\n", encoding="utf-8")
    path.chmod(0o600)


def address_of(url: str) -> str:
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}:{parts.port or {'http': 80}.get(parts.scheme, 443)}"
