"""Accounts for what was written: what the API, the database and the receiver say about every write."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import psycopg

from embedded.installation import Installation
from tests.torture.load import Load, Target
from tests.torture.receiver import Receiver

DRAIN_SECONDS = 180.0
TOLD = {"members": "user.created", "organizations": "organization.created"}


@dataclass
class Check:
    """One line of the table: a promise, and how often it was broken."""

    promise: str
    counted: int
    broken: int
    examples: list[str] = field(default_factory=list)


def checks(
    installation: Installation, load: Load, receiver: Receiver, targets: list[Target]
) -> Iterator[Check]:
    """Compare what was acknowledged with what there is. Waits until sealing and delivery have caught up."""
    waited = _drain(installation, load, receiver)
    yield from _writes(load, targets)
    with connect(installation) as database:
        yield from _events(database, load)
        yield from _chains(database)
    yield from _deliveries(load, receiver, waited)
    verified = installation.manage("verify_audit")
    lines = verified.stdout.strip().splitlines()
    yield Check(
        "audit chains intact (verify_audit)", len(lines), verified.returncode, [verified.stderr[-300:]]
    )


def connect(installation: Installation) -> psycopg.Connection[tuple[object, ...]]:
    """Connect as the role `backup`, which may read every row."""
    return psycopg.connect(installation.environment()["DATABASE_BACKUP_URL"], autocommit=True)


def _drain(installation: Installation, load: Load, receiver: Receiver) -> float:
    """Wait until nothing is pending and the receiver knows every object; return the seconds it took."""
    started = time.monotonic()
    wanted = {write.id for write in load.writes if write.id}
    while time.monotonic() - started < DRAIN_SECONDS:
        with connect(installation) as database:
            pending = _number(database, "SELECT count(*) FROM events_pendingevent")
        if not pending and wanted <= receiver.objects.keys():
            break
        time.sleep(0.5)
    return time.monotonic() - started


def _writes(load: Load, targets: list[Target]) -> Iterator[Check]:
    acknowledged = [write for write in load.writes if write.id]
    found: dict[str, list[str]] = {}
    for target in targets:
        for collection in TOLD:
            for row in _every(target, collection):
                found.setdefault(row["name"], []).append(row["id"])
    lost = [write.name for write in acknowledged if write.id not in found.get(write.name, [])]
    doubled = [write.name for write in load.writes if len(found.get(write.name, [])) > 1]
    refused = [f"{write.name}: {write.refusal}" for write in load.writes if write.refusal]
    yield Check("acknowledged writes not lost", len(acknowledged), len(lost), lost)
    yield Check("writes not doubled", len(load.writes), len(doubled), doubled)
    yield Check(
        "repeated writes answered in the end", sum(w.tries > 1 for w in load.writes), len(refused), refused
    )
    yield Check(
        "faults answered 503 with Retry-After", len(load.writes), len(load.unexpected), load.unexpected
    )


def _every(target: Target, collection: str) -> Iterator[dict[str, str]]:
    cursor = ""
    with httpx.Client(headers={"X-API-Key": target.key}, timeout=30) as client:
        while True:
            query = {"limit": "100"} | ({"cursor": cursor} if cursor else {})
            answer = client.get(f"{target.api}/{collection}", params=query)
            if answer.status_code == 429:
                time.sleep(float(answer.headers["Retry-After"]))
                continue
            page = answer.raise_for_status().json()
            yield from page["data"]
            cursor = page["next_cursor"]
            if not page["has_more"]:
                return


def _events(database: psycopg.Connection[tuple[object, ...]], load: Load) -> Iterator[Check]:
    rows = database.execute(
        "SELECT object_id, count(*) FROM events_event WHERE type = ANY(%s) GROUP BY object_id",
        [list(TOLD.values())],
    )
    told = {str(row[0]): int(str(row[1])) for row in rows}
    acknowledged = [write for write in load.writes if write.id]
    wrong = [f"{write.id}: {told.get(write.id, 0)}" for write in acknowledged if told.get(write.id) != 1]
    yield Check("one event per acknowledged write", len(acknowledged), len(wrong), wrong)


def _chains(database: psycopg.Connection[tuple[object, ...]]) -> Iterator[Check]:
    events = _number(database, "SELECT count(*) FROM events_event")
    seal = "SELECT FROM events_seal WHERE event_id = events_event.id"
    unsealed = f"SELECT count(*) FROM events_event WHERE NOT EXISTS ({seal})"
    twice = "SELECT count(*) FROM (SELECT FROM events_seal GROUP BY event_id HAVING count(*) > 1) AS doubled"
    gaps = (
        "SELECT coalesce(sum(last - first + 1 - found), 0) FROM (SELECT min(sequence) AS first,"
        " max(sequence) AS last, count(DISTINCT sequence) AS found"
        " FROM events_seal GROUP BY stream) AS chains"
    )
    yield Check("events sealed", events, _number(database, unsealed))
    yield Check("events sealed once", events, _number(database, twice))
    yield Check("sequences without gaps", events, _number(database, gaps))


def _deliveries(load: Load, receiver: Receiver, waited: float) -> Iterator[Check]:
    wanted = [write for write in load.writes if write.id]
    missing = [write.id for write in wanted if write.id not in receiver.objects]
    again = sum(count - 1 for count in receiver.seen.values())
    promise = (
        f"events delivered (drained in {waited:.0f} s, {again} again, {len(receiver.refused)} refused first)"
    )
    yield Check(promise, len(wanted), len(missing), missing)
    cut = f"whole deliveries with a good signature ({receiver.cut} cut off by a kill)"
    yield Check(cut, receiver.arrivals, len(receiver.forged), receiver.forged)


def _number(database: psycopg.Connection[tuple[object, ...]], query: str) -> int:
    row = database.execute(query).fetchone()
    assert row is not None
    return int(str(row[0]))
