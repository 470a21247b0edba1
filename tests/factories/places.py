"""A small place database in MaxMind's format (MaxMind DB File Format Specification v2.0), for tests."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

LONDON, PARIS, SYDNEY = "192.0.2.10", "198.51.100.10", "203.0.113.10"


class Counter(int):
    """Written as uint32; plain integers as uint16."""


class Epoch(int):
    """Written as uint64."""


@dataclass(frozen=True)
class Town:
    network: str
    latitude: float
    longitude: float
    city: str
    country: str


TOWNS = (
    Town("192.0.2.0/24", 51.5, -0.1, "London", "United Kingdom"),
    Town("198.51.100.0/24", 48.9, 2.4, "Paris", "France"),
    Town("203.0.113.0/24", -33.9, 151.2, "Sydney", "Australia"),
)


def write(path: Path, towns: tuple[Town, ...] = TOWNS) -> str:
    """Write the database and return its path."""
    nodes: list[list[Any]] = [[None, None]]
    data, offsets = b"", {}
    for town in towns:
        offsets[town] = len(data)
        data += _map(
            {
                "city": {"names": {"en": town.city}},
                "country": {"names": {"en": town.country, "de": f"{town.country} (de)"}},
                "location": {"latitude": town.latitude, "longitude": town.longitude, "accuracy_radius": 5},
            }
        )
        _insert(nodes, IPv4Network(town.network), town)
    tree = b"".join(_record(one, nodes, offsets) for node in nodes for one in node)
    about = {
        "node_count": Counter(len(nodes)),
        "record_size": 24,
        "ip_version": 4,
        "database_type": "Test-City",
        "languages": [],
        "binary_format_major_version": 2,
        "binary_format_minor_version": 0,
        "build_epoch": Epoch(1_767_225_600),
        "description": {"en": "test"},
    }
    path.write_bytes(tree + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + _map(about))
    return str(path)


def _insert(nodes: list[list[Any]], network: IPv4Network, town: Town) -> None:
    bits, at = int(network.network_address), 0
    for depth in range(network.prefixlen):
        side = bits >> (31 - depth) & 1
        if depth == network.prefixlen - 1:
            nodes[at][side] = town
        else:
            if nodes[at][side] is None:
                nodes.append([None, None])
                nodes[at][side] = len(nodes) - 1
            at = nodes[at][side]


def _record(one: Any, nodes: list[list[Any]], offsets: dict[Town, int]) -> bytes:
    if one is None:
        return len(nodes).to_bytes(3, "big")
    return (one if isinstance(one, int) else len(nodes) + 16 + offsets[one]).to_bytes(3, "big")


def _value(value: Any) -> bytes:
    if isinstance(value, dict):
        return _map(value)
    if isinstance(value, list):
        return bytes([len(value), 4])
    if isinstance(value, float):
        return bytes([3 << 5 | 8]) + struct.pack(">d", value)
    if isinstance(value, Counter):
        return bytes([6 << 5 | 4]) + value.to_bytes(4, "big")
    if isinstance(value, Epoch):
        return bytes([8, 2]) + value.to_bytes(8, "big")
    if isinstance(value, int):
        return bytes([5 << 5 | 2]) + value.to_bytes(2, "big")
    return bytes([2 << 5 | len(value.encode())]) + value.encode()


def _map(values: dict[str, Any]) -> bytes:
    return bytes([7 << 5 | len(values)]) + b"".join(_value(key) + _value(one) for key, one in values.items())
