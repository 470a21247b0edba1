"""Beginnings of redirect URIs to which registrations are held: an exact origin and a path prefix."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from oauth.client_addresses import LOOPBACK, redirect_fault
from oauth.models import ApplicationType

# Dot segments and encoded separators could climb out of the prefix once a server decodes them.
_climbs = re.compile(r"(?:^|/)\.{1,2}(?:/|$)|%2e|%2f|%5c|\\", re.I)


def is_within(uri: str, limit: str) -> bool:
    """Whether a redirect URI has the limit's scheme, host and port, and lies at or below its path.

    A loopback limit without a port admits any port (RFC 8252 §7.3).
    """
    try:
        given, known = urlsplit(uri), urlsplit(limit)
        same = (given.scheme, given.hostname, given.username) == (known.scheme, known.hostname, None)
        any_port = known.scheme == "http" and known.hostname in LOOPBACK and known.port is None
        same = same and (any_port or given.port == known.port)
    except ValueError:
        return False
    return same and not _climbs.search(given.path) and _is_below(given, known)


def _is_below(given: SplitResult, known: SplitResult) -> bool:
    prefix = known.path or "/"
    path = given.path or "/"
    return path == prefix or path.startswith(prefix if prefix.endswith("/") else f"{prefix}/")


def limit_fault(limit: str, mode: str) -> str:
    """Return what is wrong with a limit, or an empty string."""
    if fault := redirect_fault(limit, ApplicationType.NATIVE, mode):
        return fault
    parts = urlsplit(limit)
    return (
        "Give scheme, host and the beginning of the path only."
        if parts.query or _climbs.search(parts.path)
        else ""
    )
