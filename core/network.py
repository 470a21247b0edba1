"""Networks: what is counted as one caller when nobody is signed in."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings

from core import context


def client_address(environ: Mapping[str, Any]) -> str:
    """Return the client's address: the hop that the outermost trusted proxy saw (threat P3)."""
    trusted = settings.TRUSTED_PROXIES
    hops = environ.get("HTTP_X_FORWARDED_FOR", "").split(",") if trusted else ()
    named = [hop.strip() for hop in hops if hop.strip()]
    return canonical_address(named[-trusted] if len(named) >= trusted > 0 else environ.get("REMOTE_ADDR", ""))


@lru_cache(maxsize=4096)
def canonical_address(candidate: str) -> str:
    """Return an address in its one spelling, empty for anything else."""
    try:
        return str(ipaddress.ip_address(candidate))
    except ValueError:
        return ""


@lru_cache(maxsize=4096)
def network_of(ip: str) -> str:
    """An IPv4 address, or the /64 that one IPv6 customer has."""
    if not ip:
        return "unknown"
    address = ipaddress.ip_address(ip)
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network(f"{ip}/64", strict=False).network_address)
    return str(address)


def current_network() -> str:
    """Return the network of the running request's client."""
    return network_of(context.current().ip)
