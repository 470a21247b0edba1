"""The hash chain of a stream, and what walking it finds.

`hash = SHA-256(tag, previous_hash, stream, sequence, event id, SHA-256(canonical))`. Who edits a row, takes
one out of the middle or cuts off the end leaves a break that `verify` names. Rewriting everything from a
point onwards, the head included, is found by comparing with a head that was kept elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Exists, OuterRef

from core import ids, secrets
from events import envelope
from events.models import Checkpoint, Event, EventPersonal, PendingEvent, Seal, StreamHead

GENESIS = bytes(32)
PAGE = 500
_TAG = b"claviger:event:1"
_MISSING = {
    "gap": "no seal",
    "duplicate": "more than one seal",
    "truncated": "no seal, although the stream's head stands beyond",
    "head_behind": "sealed, although the stream's head stands before",
}


@dataclass(frozen=True)
class Finding:
    """What is wrong, and where. `kind` is one of the words in docs/events.md."""

    kind: str
    sequence: int
    event: str
    detail: str


@dataclass
class Report:
    """What a walk saw: sequences `first` to `last` of a stream whose head stands at `head`."""

    stream: uuid.UUID
    head: int = 0
    head_hash: str = ""
    first: int = 0
    last: int = 0
    checked: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_valid(self) -> bool:
        return not self.findings

    @property
    def is_complete(self) -> bool:
        """Whether the walk reached the head."""
        return self.last >= self.head


def seal_hash(
    previous: bytes, stream: uuid.UUID, sequence: int, event_id: uuid.UUID, canonical: bytes
) -> bytes:
    parts = (_TAG, previous, stream.bytes, sequence.to_bytes(8, "big"), event_id.bytes)
    return hashlib.sha256(b"".join(parts) + hashlib.sha256(canonical).digest()).digest()


def sign(stream: uuid.UUID, partition: str, sequence: int, last_hash: bytes) -> str:
    """Return the keyed signature of a checkpoint."""
    return secrets.digest(_checkpoint_text(stream, partition, sequence, last_hash), "event-checkpoint")


def _checkpoint_text(stream: uuid.UUID, partition: str, sequence: int, last_hash: bytes) -> str:
    return f"{stream}:{partition}:{sequence}:{last_hash.hex()}"


def verify(stream: uuid.UUID, *, after: int = 0, limit: int | None = None) -> Report:
    """Walk a stream's seals from sequence `after` + 1, at most `limit` of them.

    Needs an open scope that sees the whole stream: the tenant's at tenant level, the account's, or the
    relay's. What is sealed while it walks is left for the next walk.
    """
    top = Seal.objects.filter(stream=stream).order_by("-sequence").first()
    head = StreamHead.objects.filter(stream=stream).first()  # read after `top`, so never honestly behind it
    report = Report(stream, first=after + 1, last=after)
    if head is not None:
        report.head, report.head_hash = head.sequence, bytes(head.hash).hex()
    walk = _Walk(report, _last_checkpoint(report))
    if top is not None and top.sequence > report.head:
        walk.missing("head_behind", report.head + 1, top.sequence)
    walk.start(after)
    until = report.head if limit is None else min(report.head, after + limit)
    for seals in _pages(stream, after, until):
        walk.page(seals)
    walk.finish(until)
    return report


def _pages(stream: uuid.UUID, after: int, until: int) -> Iterator[list[Seal]]:
    while True:
        rows = Seal.objects.filter(stream=stream, sequence__gt=after, sequence__lte=until)
        page = list(rows.order_by("sequence")[:PAGE])
        if not page:
            return
        yield page
        after = page[-1].sequence


def _last_checkpoint(report: Report) -> Checkpoint | None:
    """Return the highest checkpoint with a true signature; a false one is a finding."""
    for row in Checkpoint.objects.filter(stream=report.stream).order_by("-sequence"):
        text = _checkpoint_text(row.stream, row.partition, row.sequence, bytes(row.hash))
        if secrets.matches(text, row.signature, "event-checkpoint"):
            return row
        report.findings.append(
            Finding("checkpoint_forged", row.sequence, "", f"the checkpoint of {row.partition} is not ours")
        )
    return None


class _Walk:
    """The state between two seals: the sequence and hash that the next one must continue."""

    def __init__(self, report: Report, checkpoint: Checkpoint | None) -> None:
        self.report = report
        self.floor = checkpoint.sequence if checkpoint else 0  # beneath it retention left holes
        self.floor_hash = bytes(checkpoint.hash) if checkpoint else GENESIS
        self.sequence, self.hash = 0, GENESIS

    def start(self, after: int) -> None:
        before = Seal.objects.filter(stream=self.report.stream, sequence=after).first() if after else None
        self.sequence = after
        self.hash = bytes(before.hash) if before else b""
        if after == self.floor:
            self.hash = self.floor_hash

    def page(self, seals: Sequence[Seal]) -> None:
        wanted = [seal.event_id for seal in seals]
        events = {event.id: event for event in Event.objects.filter(id__in=wanted)}
        personal: dict[uuid.UUID, list[EventPersonal]] = {}
        for row in EventPersonal.objects.filter(event_id__in=wanted):
            personal.setdefault(row.event_id, []).append(row)
        for seal in seals:
            self.step(seal, events.get(seal.event_id), personal.get(seal.event_id, []))

    def step(self, seal: Seal, event: Event | None, personal: Sequence[EventPersonal]) -> None:
        self._reach(seal.sequence)
        if self.hash and bytes(seal.previous_hash) != self.hash:
            self._find("broken_link", seal, "its previous hash is not the hash of the one before")
        if event is None:
            self._find("event_missing", seal, "its event row is gone")
        elif bytes(seal.hash) != self._recomputed(seal, event):
            self._find("edited", seal, "the event or its seal is not what was sealed")
        else:
            for kind, detail in differences(event, personal):
                self._find(kind, seal, detail)
        self.sequence, self.hash = seal.sequence, bytes(seal.hash)
        self.report.checked += 1
        self.report.last = seal.sequence

    @staticmethod
    def _recomputed(seal: Seal, event: Event) -> bytes:
        return seal_hash(
            bytes(seal.previous_hash), seal.stream, seal.sequence, seal.event_id, bytes(event.canonical)
        )

    def _reach(self, sequence: int) -> None:
        """Account for the sequences between the last one seen and this one."""
        if sequence == self.sequence + 1:
            return
        first = max(self.sequence, self.floor) + 1
        if first < sequence:
            self.missing("gap", first, sequence - 1)
        elif sequence <= self.sequence:
            self.missing("duplicate", sequence, sequence)
        # Beneath the floor retention left holes: only the seal right above it has a known forerunner.
        self.hash = self.floor_hash if sequence == self.floor + 1 else b""

    def finish(self, until: int) -> None:
        reached = max(self.sequence, self.floor)
        if reached < until:
            self.missing("truncated" if until == self.report.head else "gap", reached + 1, until)
        elif 0 < self.sequence == self.report.head and self.hash.hex() not in ("", self.report.head_hash):
            detail = "the head of the stream does not match its last seal"
            self.report.findings.append(Finding("head_differs", self.sequence, "", detail))
        self.report.last = max(self.report.last, until)

    def missing(self, kind: str, first: int, last: int) -> None:
        named = f"sequence {first}" if first == last else f"sequences {first} to {last}"
        detail = f"{named}: {_MISSING[kind]}"
        self.report.findings.append(Finding(kind, first, "", detail))

    def _find(self, kind: str, seal: Seal, detail: str) -> None:
        named = ids.encode("evt", seal.event_id)
        self.report.findings.append(Finding(kind, seal.sequence, named, detail))


def unsealed(stream: uuid.UUID) -> Iterator[Event]:
    """Yield events that are neither sealed nor waiting: somebody removed their pending row or their seal."""
    sealed = Exists(Seal.objects.filter(event_id=OuterRef("id")))
    waiting = Exists(PendingEvent.objects.filter(event_id=OuterRef("id")))
    yield from Event.objects.filter(stream=stream).exclude(sealed).exclude(waiting).order_by("id")[:PAGE]


def differences(event: Event, personal: Sequence[EventPersonal]) -> Iterator[tuple[str, str]]:
    """Yield (kind, detail) where search columns or personal values are not what the canonical bytes say."""
    told = json.loads(bytes(event.canonical))
    for column, (stored, sealed) in _columns(event, told).items():
        if stored != sealed:
            yield "column_edited", f"{column} says {stored!r:.80}, sealed was {sealed!r:.80}"
    digests = told.get("personal", {})
    for row in personal:
        if row.value is None or row.salt is None:
            continue  # erased: the digest stays without its salt and says nothing more
        if digests.get(row.name) != envelope.digest_of(bytes(row.salt), row.name, row.value):
            yield "personal_edited", f"{row.name} is not what was sealed"


def _columns(event: Event, told: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    data = told["data"]
    tenant_id, organization_id = event.tenant_id, event.organization_id
    return {
        "id": (event.public_id, told["id"]),
        "tenant_id": (tenant_id and ids.encode("ten", tenant_id), told.get("tenantid")),
        "organization_id": (organization_id and ids.encode("org", organization_id), told.get("orgid")),
        "type": (event.type, told["type"]),
        "actor_type": (event.actor_type, data["actor"]["type"]),
        "actor_id": (event.actor_id, data["actor"]["id"]),
        "on_behalf_of": (event.on_behalf_of, data.get("on_behalf_of", {}).get("id", "")),
        "object_type": (event.object_type, data["object"]["object"]),
        "object_id": (event.object_id, told["subject"]),
        "request_id": (event.request_id, data["context"]["request_id"]),
        "mode": (event.mode, told["mode"]),
        "created_at": (envelope.timestamp(event.created_at), told["time"]),
    }
