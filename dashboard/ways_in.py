"""How people signed in lately, and how many of them by more than a password."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from core import scope
from identity import assurance
from tenants.forms import METHODS

LATEST = 1000  # sign-ins that are looked at, however busy the tenant
# Row security decides whose events these are; the stream is named so that the index is used.
QUERY = """
WITH latest AS (
  SELECT convert_from(canonical, 'UTF8')::jsonb #> '{data,object}' AS about FROM events_event
  WHERE stream = %s AND type = 'signin.succeeded' ORDER BY id DESC LIMIT %s
)
SELECT coalesce(about ->> 'method', ''), coalesce(about ->> 'acr', ''), count(*) FROM latest GROUP BY 1, 2
"""


@dataclass(frozen=True)
class Ways:
    """`shares`: sign-ins by method, the most usual first; `strong` percent of them proved more than a password."""

    total: int
    strong: int
    shares: list[dict[str, Any]]


def lately() -> Ways:
    """Read the latest sign-ins of the open tenant scope."""
    with connection.cursor() as cursor:
        cursor.execute(QUERY, [scope.require_tenant(), LATEST])
        rows = cursor.fetchall()
    by_method, strong = Counter[str](), 0
    for method, acr, count in rows:
        by_method[method] += count
        strong += count if assurance.satisfies(acr, assurance.MULTI_FACTOR) else 0
    total = sum(by_method.values())
    names = {
        **METHODS,
        "single_sign_on": _("Single sign-on"),
        "sign_up": _("Signed up"),
        "recovery": _("Recovery"),
    }
    shares = [
        {"label": names.get(method, _("Other")), "value": count} for method, count in by_method.most_common()
    ]
    return Ways(total, round(100 * strong / total) if total else 0, shares)
