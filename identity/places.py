"""Where a sign-in came from, and whether somebody could have got there: by the operator's own database.

`GEOIP_DATABASE` names a file in MaxMind's format (such as GeoLite2-City). Without one nothing is known, and what
needs a place raises nothing. The file may be replaced while the product runs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import maxminddb
import structlog
from django.conf import settings

from core import context

log = structlog.get_logger(__name__)
EARTH = 6371.0  # mean radius in kilometres
FASTEST = 900.0  # kilometres an hour: an airliner's cruise
NEAR = 100.0  # kilometres: nearer than this the database is not sure which town it is


@dataclass(frozen=True)
class Place:
    """A point in degrees that the database is sure of to `radius` kilometres; `name` in words, if it knows one."""

    latitude: float
    longitude: float
    radius: int = 0
    name: str = ""


def is_available() -> bool:
    """Whether the operator gave a database that can be read."""
    return _reader() is not None


def current(language: str = "en") -> Place | None:
    """Return where the running request's client is, None where nobody knows."""
    return find(context.current().ip, language)


def find(ip: str, language: str = "en") -> Place | None:
    reader = _reader()
    if reader is None or not ip:
        return None
    try:
        found = reader.get(ip)
    except (ValueError, maxminddb.InvalidDatabaseError):  # an IPv6 address in a database of IPv4 only
        return None
    return _read(found, language) if isinstance(found, dict) else None


def _read(found: dict[str, Any], language: str) -> Place | None:
    where = found.get("location") or {}
    if "latitude" not in where or "longitude" not in where:
        return None
    names = (_name(found.get(part) or {}, language) for part in ("city", "country"))
    radius = int(where.get("accuracy_radius") or 0)
    return Place(where["latitude"], where["longitude"], radius, ", ".join(name for name in names if name))


def _name(part: dict[str, Any], language: str) -> str:
    names = part.get("names") or {}
    return str(names.get(language) or names.get("en") or "")


def kilometres(one: Place, other: Place) -> float:
    """Return the shortest way two people could be apart: the great circle less what the database is unsure of."""
    lat1, lat2 = math.radians(one.latitude), math.radians(other.latitude)
    across = math.radians(other.longitude - one.longitude)
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin(across / 2) ** 2
    return max(0.0, 2 * EARTH * math.asin(min(1.0, math.sqrt(half))) - one.radius - other.radius)


def is_impossible(before: Place, then: datetime, after: Place, now: datetime) -> bool:
    """Whether nobody travels that far in that time: more than 100 km, faster than 900 km an hour."""
    far = kilometres(before, after)
    hours = max(0.0, (now - then).total_seconds() / 3600)
    return far > NEAR and far > FASTEST * hours


def _reader() -> maxminddb.Reader | None:
    if not settings.GEOIP_DATABASE:
        return None
    try:
        changed = Path(settings.GEOIP_DATABASE).stat().st_mtime_ns
        return _open(settings.GEOIP_DATABASE, changed)
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        log.warning("places cannot be looked up", error=str(error)[:200])
        return None


@lru_cache(maxsize=1)
def _open(path: str, changed: int) -> maxminddb.Reader:
    return maxminddb.open_database(path)
