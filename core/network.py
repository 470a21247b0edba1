"""Networks: what is counted as one caller when nobody is signed in."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from core import context


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
