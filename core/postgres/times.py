"""Times as PostgreSQL writes them, read by the interpreter's own parser: Django's loader is a regular expression."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.db.backends.postgresql import psycopg_any
from psycopg import DataError
from psycopg.adapt import AdaptersMap, Loader

stock: Any = psycopg_any  # the type stubs do not know it


class TimeLoader(Loader):
    """Loads a timestamptz in UTC; raises DataError for what no datetime can hold (infinity, years before 1)."""

    timezone = UTC  # which Django compares with its own

    def load(self, data: Any) -> datetime:
        text = str(data, "ascii")
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            raise DataError(f"{text} is no time that Python can hold") from None
        return found if found.tzinfo is UTC else found.astimezone(UTC)


@lru_cache
def adapters(use_tz: bool, timezone: Any) -> Any:
    """Return what Django gives each connection, with our loader where its times are in UTC."""
    template = stock.get_adapters_template(use_tz, timezone)
    if timezone is not UTC:
        return template
    found = AdaptersMap(template)
    found.register_loader("timestamptz", TimeLoader)
    return found
