"""Queries and answers of `/v1/events`, `/v1/audit` and `/v1/event-types`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from audit.selectors import entry
from core.api.fields import Body, PublicId, Text
from core.api.lists import ListQuery, QueryInteger, Words
from events import registry
from events.selectors import Search, envelope

TICK = timedelta(milliseconds=1)  # the grain of an event's time


class EventTypes(Words):
    """Names of events, comma-separated; `user.*` stands for all beneath."""

    default_error_messages = {"unknown": _("No event is named {name}. GET /v1/event-types lists them.")}

    def to_internal_value(self, data: Any) -> list[str]:
        names = super().to_internal_value(data)
        for name in names:
            if not registry.expand([name]):
                self.fail("unknown", name=name)
        return names


class RecordQuery(ListQuery):
    """What events and audit entries have in common; `search` becomes an events.selectors.Search."""

    q = Text(
        120, required=False, help_text="An id of an event, request, actor or object, an address or a name."
    )
    organization = PublicId("org", required=False)
    request_id = Text(64, required=False)
    ip = serializers.IPAddressField(required=False)
    on_behalf_of = Text(120, required=False)
    actor_type = Text(16, required=False)

    renamed = {"organization": "organization_id", "q": "anything"}

    def validate(self, attributes: dict[str, Any]) -> dict[str, Any]:
        since = _latest(attributes.get("created_at[gte]"), _after(attributes.get("created_at[gt]")))
        until = _earliest(attributes.get("created_at[lt]"), _after(attributes.get("created_at[lte]")))
        members = {self.renamed.get(name, name): value for name, value in attributes.items()}
        known = {name: members[name] for name in Search.__dataclass_fields__ if name in members}
        return {**attributes, "lookups": {}, "search": Search(**known | {"since": since, "until": until})}


def _after(moment: Any) -> Any:
    return moment + TICK if moment else None


def _latest(*moments: Any) -> Any:
    return max((moment for moment in moments if moment), default=None)


def _earliest(*moments: Any) -> Any:
    return min((moment for moment in moments if moment), default=None)


class EventQuery(RecordQuery):
    type = EventTypes()
    actor = Text(120, required=False)
    object = Text(120, required=False)

    renamed = {**RecordQuery.renamed, "type": "types"}


class EntryQuery(RecordQuery):
    action = EventTypes()
    actor = Text(120, required=False)
    target = Text(120, required=False)

    renamed = {**RecordQuery.renamed, "action": "types", "target": "object"}


class VerificationQuery(Body):
    after = QueryInteger(
        min_value=0, required=False, help_text="Start behind this sequence; the newest by default."
    )
    limit = QueryInteger(min_value=1, max_value=5000, required=False, default=1000)


class EventShape(serializers.Serializer):
    """The envelope: a CloudEvents 1.0 JSON event, the same that webhooks deliver."""

    id = serializers.CharField()
    type = serializers.CharField()
    specversion = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    subject = serializers.CharField()
    time = serializers.CharField()
    timestamp = serializers.CharField()
    dataschema = serializers.CharField()
    apiversion = serializers.CharField()
    tenantid = serializers.CharField()
    orgid = serializers.CharField(required=False)
    mode = serializers.CharField()
    sequence = serializers.CharField(required=False)
    data = serializers.DictField()  # type: ignore[assignment]

    def to_representation(self, instance: Any) -> dict[str, Any]:
        return envelope(instance)


class ChangeShape(serializers.Serializer):
    field = serializers.CharField()
    before = serializers.JSONField()
    after = serializers.JSONField()


class EntryShape(serializers.Serializer):
    id = serializers.CharField()
    object = serializers.CharField()
    action = serializers.CharField()
    actor = serializers.DictField()
    target = serializers.DictField()
    on_behalf_of = serializers.DictField(allow_null=True)
    delegation = serializers.CharField(allow_null=True)
    organization = serializers.CharField(allow_null=True)
    changes = ChangeShape(many=True)
    reason = serializers.CharField(allow_null=True)
    context = serializers.DictField()  # type: ignore[assignment]
    sequence = serializers.CharField(allow_null=True)
    mode = serializers.CharField()
    created_at = serializers.DateTimeField()

    def to_representation(self, instance: Any) -> dict[str, Any]:
        return entry(instance)


class FindingShape(serializers.Serializer):
    kind = serializers.CharField()
    sequence = serializers.IntegerField()
    event = serializers.CharField(allow_null=True)
    detail = serializers.CharField()


class VerificationShape(serializers.Serializer):
    """`next_after` continues a walk that did not reach the head."""

    object = serializers.CharField()
    mode = serializers.CharField()
    valid = serializers.BooleanField()
    complete = serializers.BooleanField()
    first_sequence = serializers.IntegerField()
    last_sequence = serializers.IntegerField()
    head_sequence = serializers.IntegerField()
    head_hash = serializers.CharField()
    checked = serializers.IntegerField()
    next_after = serializers.IntegerField(allow_null=True)
    findings = FindingShape(many=True)


class EventTypeShape(serializers.Serializer):
    id = serializers.CharField()
    object = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    family = serializers.CharField()
    high_volume = serializers.BooleanField()
    signal = serializers.CharField(allow_blank=True)
    version = serializers.IntegerField()
    dataschema = serializers.CharField()
    schema = serializers.DictField()
    example = serializers.DictField()
