"""Walks every chain and says what is wrong with it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from core import ids, scope
from events.chain import Finding, Report, unsealed, verify
from events.models import PLATFORM, Event

# Each distinct value by one index descent, however many rows it has.
_STREAMS = """
WITH RECURSIVE sealed (key) AS (
    (SELECT stream FROM events_seal ORDER BY stream LIMIT 1) UNION ALL
    SELECT (SELECT stream FROM events_seal WHERE stream > sealed.key ORDER BY stream LIMIT 1)
    FROM sealed WHERE sealed.key IS NOT NULL),
told (key) AS (
    (SELECT stream FROM events_event ORDER BY stream LIMIT 1) UNION ALL
    SELECT (SELECT stream FROM events_event WHERE stream > told.key ORDER BY stream LIMIT 1)
    FROM told WHERE told.key IS NOT NULL)
SELECT key FROM sealed WHERE key IS NOT NULL UNION SELECT key FROM told WHERE key IS NOT NULL
UNION SELECT stream FROM events_streamhead UNION SELECT stream FROM events_checkpoint
"""


class Command(BaseCommand):
    help = (
        "Verify the hash chains of the audit log: recompute every hash, compare with what was sealed, and"
        " look for gaps, truncation and events without a seal. Exit status 1 names what is wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        only = parser.add_mutually_exclusive_group()
        only.add_argument("--tenant", help="Only the chain of the tenant with this slug.")
        only.add_argument("--account", type=uuid.UUID, help="Only the chain of this account.")

    def handle(self, *args: Any, **options: Any) -> None:
        broken = 0
        for stream in self.streams(options):
            report = check(stream)
            broken += not report.is_valid
            self.show(name_of(stream), report)
        if broken:
            raise CommandError(f"{broken} of the chains are not intact.", returncode=1)

    def streams(self, options: dict[str, Any]) -> list[uuid.UUID]:
        if options["account"]:
            return [options["account"]]
        if options["tenant"]:
            return [tenant_of(options["tenant"])]
        return [row[0] for row in _rows(_STREAMS)]

    def show(self, name: str, report: Report) -> None:
        state = "intact" if report.is_valid else "BROKEN"
        self.stdout.write(f"{name}: {report.checked} events to sequence {report.head}, {state}")
        for finding in report.findings:
            named = f" {finding.event}" if finding.event else ""
            self.stdout.write(f"  {finding.kind} at {finding.sequence}{named}: {finding.detail}")


def check(stream: uuid.UUID) -> Report:
    with scope.relay():
        report = verify(stream)
        report.findings.extend(_without_place(unsealed(stream)))
    return report


def _without_place(events: Iterator[Event]) -> Iterator[Finding]:
    for event in events:
        yield Finding("unsealed", 0, event.public_id, "the event has no seal and waits for none")


def tenant_of(slug: str) -> uuid.UUID:
    rows = _rows("SELECT id FROM tenant_by_slug(%s)", slug)
    if not rows:
        raise CommandError(f"No tenant has the slug {slug}.")
    found: uuid.UUID = rows[0][0]
    return found


def name_of(stream: uuid.UUID) -> str:
    if stream == PLATFORM:
        return "platform"
    rows = _rows("SELECT slug FROM tenant_by_id(%s)", stream)
    return f"tenant {rows[0][0]} ({ids.encode('ten', stream)})" if rows else f"account {stream}"


def _rows(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with scope.relay(), connections["relay"].cursor() as cursor:
        cursor.execute(statement, parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
