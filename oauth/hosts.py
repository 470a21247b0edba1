"""Since when a tenant knows the hosts to which its clients send people back (NEW-12)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from urllib.parse import urlsplit

from core import scope
from core.postgres.prepared import Prepared
from oauth.models import ClientHost

_SINCE = Prepared("SELECT created_at FROM oauth_clienthost WHERE tenant_id = %(tenant)s AND host = %(host)s")


def host_of(uri: str) -> str:
    """Return the host of an https address; empty for loopback and private-use addresses, which have no age."""
    parts = urlsplit(uri)
    return (parts.hostname or "") if parts.scheme == "https" else ""


def remember(uris: Iterable[str]) -> None:
    """Note hosts that are new to the open tenant; those it knows keep their time."""
    hosts = {host for uri in uris if 0 < len(host := host_of(uri)) <= 255}
    if hosts:
        ClientHost.objects.bulk_create(
            [ClientHost(host=host) for host in sorted(hosts)], ignore_conflicts=True
        )


def known_since(uri: str) -> datetime | None:
    """Return since when the open tenant knows the host of an address, None for one without an age."""
    host = host_of(uri)
    found = _SINCE.first({"tenant": scope.require_tenant(), "host": host}) if host else None
    return found[0] if found else None
