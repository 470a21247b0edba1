"""The audit record: events, their erasable personal fields, and the chain that seals them.

Events, personal fields and seals are partitioned by month of the event's UUIDv7, so a row's key stays its
id. A stream is one chain: a tenant's, a person's own, or the platform's (neither is set). The runtime role
may insert and read, never change or delete.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models.functions import Coalesce, Now

from core import ids

PLATFORM = uuid.UUID(int=0)  # the stream of what operators do


def stream_of() -> models.GeneratedField:
    """The stream that a row belongs to, made by the database from its two columns.

    Row-level security compares this one column: one equality, which an index can answer.
    """
    return models.GeneratedField(
        expression=Coalesce("tenant_id", "account_id", models.Value(PLATFORM)),
        output_field=models.UUIDField(),
        db_persist=True,
    )


class Stream(models.Model):
    """Columns of every row of a stream: at most one of the two is set."""

    is_scoped: ClassVar[bool] = True

    tenant_id = models.UUIDField(null=True, editable=False)
    account_id = models.UUIDField(null=True, editable=False)

    class Meta:
        abstract = True


class Event(Stream):
    """What happened. `canonical` is the envelope in RFC 8785 form, without `sequence` and with salted
    digests in place of personal values; the chain covers these bytes. The other columns are for search.
    """

    PREFIX = "evt"

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    stream = stream_of()
    organization_id = models.UUIDField(null=True, editable=False)
    type = models.CharField(max_length=80)
    actor_type = models.CharField(max_length=16)
    actor_id = models.CharField(max_length=120)
    on_behalf_of = models.CharField(max_length=120, blank=True)
    object_type = models.CharField(max_length=40)
    object_id = models.CharField(max_length=120)
    request_id = models.CharField(max_length=64)
    mode = models.CharField(max_length=4)
    canonical = models.BinaryField()
    created_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["stream", "id"], name="events_event_stream"),
            models.Index(fields=["stream", "type", "id"], name="events_event_type"),
            models.Index(fields=["stream", "actor_id", "id"], name="events_event_actor"),
            models.Index(fields=["stream", "object_id", "id"], name="events_event_object"),
            models.Index(fields=["stream", "request_id"], name="events_event_request"),
            models.Index(
                fields=["stream", "organization_id", "id"],
                name="events_event_organization",
                condition=models.Q(organization_id__isnull=False),
            ),
            models.Index(
                fields=["stream", "on_behalf_of", "id"],
                name="events_event_behalf",
                condition=~models.Q(on_behalf_of=""),
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        return ids.encode(self.PREFIX, self.id)

    @classmethod
    def read_id(cls, text: str) -> uuid.UUID:
        """Read a public id; raises ids.MalformedId."""
        return ids.decode(cls.PREFIX, text)

    @property
    def updated_at(self) -> datetime:
        return self.created_at


class EventPersonal(Stream):
    """A personal value of an event, apart from it: erasing the value leaves the chain valid.

    `name` is its place in the envelope's data, such as `context.ip` or `object.email`. The canonical bytes
    hold SHA-256(salt, name, value); an erased row keeps neither salt nor value.
    """

    pk = models.CompositePrimaryKey("event_id", "name")
    event_id = models.UUIDField()
    stream = stream_of()
    organization_id = models.UUIDField(null=True, editable=False)
    name = models.CharField(max_length=60)
    salt = models.BinaryField(null=True)
    value = models.TextField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["stream", "value", "event_id"],
                name="events_personal_ip",
                condition=models.Q(name="context.ip"),
            ),
        ]


class PendingEvent(Stream):
    """An event that waits for its place in the chain, in the order of an identity column."""

    id = models.BigAutoField(primary_key=True)
    stream = stream_of()
    event_id = models.UUIDField()

    class Meta:
        indexes = [models.Index(fields=["stream", "id"], name="events_pending_stream")]


class Seal(Stream):
    """An event's place in its stream: `sequence` rises without gaps, `hash` covers `previous_hash`."""

    event_id = models.UUIDField(primary_key=True)
    stream = models.UUIDField(editable=False)
    organization_id = models.UUIDField(null=True, editable=False)
    sequence = models.BigIntegerField()
    previous_hash = models.BinaryField(max_length=32)
    hash = models.BinaryField(max_length=32)
    sealed_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["stream", "sequence"], name="events_seal_sequence")]


class StreamHead(Stream):
    """The last seal of a stream."""

    stream = models.UUIDField(primary_key=True, editable=False)
    sequence = models.BigIntegerField()
    hash = models.BinaryField(max_length=32)
    updated_at = models.DateTimeField(db_default=Now())


class Checkpoint(Stream):
    """The last seal of a stream in a partition that retention dropped, signed, so that the rest verifies."""

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    stream = models.UUIDField(editable=False)
    partition = models.CharField(max_length=16)
    sequence = models.BigIntegerField()
    hash = models.BinaryField(max_length=32)
    dropped = models.BigIntegerField()
    signature = models.CharField(max_length=100)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["stream", "partition"], name="events_checkpoint_once"),
        ]
