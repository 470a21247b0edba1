"""Which addresses are plainly public unicast.

`ipaddress.is_global` is not enough: it passes NAT64, 6to4 and multicast, and it moves with the Python
release. The tables follow the IANA special-purpose registries (RFC 6890 and its updates), plus what cloud
providers put on public-looking addresses.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, ip_address, ip_network
from pathlib import Path

from django.conf import settings

_REFUSED_V4 = [
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure host services
        "169.254.0.0/16",  # link-local, cloud metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # IETF protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relay
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
]

# Everything outside is loopback, mapped, NAT64 (64:ff9b::/96), local, link-local, multicast or unassigned.
_GLOBAL_V6 = ip_network("2000::/3")
_REFUSED_V6 = [
    ip_network(text)
    for text in (
        "2001::/23",  # protocol assignments, among them Teredo, benchmarks and ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: carries any IPv4 address inside
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
]


def is_public(text: str) -> bool:
    """Whether `text` is the canonical form of a public unicast address. Anything unclear is not."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _REFUSED_V4)
    if address.scope_id is not None or address not in _GLOBAL_V6:
        return False
    return not any(address in network for network in _REFUSED_V6)


def is_allowed(host: str, port: int) -> bool:
    """Whether the operator lists exactly this `host:port` (IPv6 in brackets) in `settings.OUTBOUND_ALLOW`."""
    entries: Iterable[str] = (*settings.OUTBOUND_ALLOW, *listed_in(settings.OUTBOUND_ALLOW_FILE))
    written = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return written in {entry.strip().lower() for entry in entries}


def listed_in(path: Path | None) -> tuple[str, ...]:
    """Return the operator's entries in a file, one a line; the file is read anew when it changes.

    Only development has such a file: the demo writes the receivers that somebody named on its command line.
    """
    try:
        return _read(path, path.stat().st_mtime_ns) if path else ()
    except OSError:
        return ()


@lru_cache(maxsize=4)
def _read(path: Path, changed: int) -> tuple[str, ...]:
    return tuple(path.read_text(encoding="utf-8").split())
