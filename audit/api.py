"""`/v1/events`, `/v1/audit`, `/v1/event-types`, and the schemas that envelopes point to."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, JsonResponse

from audit import selectors
from audit.shapes import (
    EntryQuery,
    EntryShape,
    EventQuery,
    EventShape,
    EventTypeShape,
    VerificationQuery,
    VerificationShape,
)
from core.api.endpoint import Answer, Call, Endpoint, operation
from core.api.lists import paginate
from core.errors import NotFound
from events import registry
from events.chain import Report
from events.registry import EventType, UnknownEventType

EVENTS, AUDIT = ("events",), ("audit",)


class Events(Endpoint):
    @operation(
        scope="events:read",
        query=EventQuery,
        answer=EventShape,
        many=True,
        summary="List events",
        tags=EVENTS,
    )
    def get(self, call: Call) -> Answer:
        return paginate(call, selectors.entries(call.query["search"]), EventShape)


class OneEvent(Endpoint):
    ids_in_path = {"event": "evt"}

    @operation(scope="events:read", answer=EventShape, summary="Read an event", tags=EVENTS)
    def get(self, call: Call) -> dict[str, Any]:
        return call.shape(EventShape, selectors.event(call.path["event"]))


class Entries(Endpoint):
    @operation(
        scope="audit:read",
        query=EntryQuery,
        answer=EntryShape,
        many=True,
        summary="List audit entries",
        tags=AUDIT,
    )
    def get(self, call: Call) -> Answer:
        return paginate(call, selectors.entries(call.query["search"]), EntryShape)


class OneEntry(Endpoint):
    ids_in_path = {"event": "evt"}

    @operation(scope="audit:read", answer=EntryShape, summary="Read an audit entry", tags=AUDIT)
    def get(self, call: Call) -> dict[str, Any]:
        return call.shape(EntryShape, selectors.event(call.path["event"]))


class Verification(Endpoint):
    @operation(
        scope="audit:read",
        query=VerificationQuery,
        answer=VerificationShape,
        summary="Verify a stretch of the tenant's hash chain",
        tags=AUDIT,
    )
    def get(self, call: Call) -> dict[str, Any]:
        report = selectors.verification(call.caller, after=call.query.get("after"), limit=call.query["limit"])
        return shown(report, call.caller.mode)


def shown(report: Report, mode: str) -> dict[str, Any]:
    findings = [{**vars(finding), "event": finding.event or None} for finding in report.findings]
    return {
        "object": "audit_verification",
        "mode": mode,
        "valid": report.is_valid,
        "complete": report.is_complete,
        "first_sequence": report.first,
        "last_sequence": report.last,
        "head_sequence": report.head,
        "head_hash": report.head_hash,
        "checked": report.checked,
        "next_after": None if report.is_complete else report.last,
        "findings": findings,
    }


class EventTypes(Endpoint):
    @operation(
        scope="events:read",
        answer=EventTypeShape,
        many=True,
        summary="List the catalogue of events",
        tags=EVENTS,
    )
    def get(self, call: Call) -> dict[str, Any]:
        data = [described(declared) for declared in registry.every()]
        return {"object": "list", "data": data, "has_more": False, "next_cursor": None, "prev_cursor": None}


def described(declared: EventType) -> dict[str, Any]:
    return {
        "id": declared.name,
        "object": "event_type",
        "name": declared.name,
        "description": declared.description,
        "family": declared.family,
        "high_volume": declared.high_volume,
        "signal": declared.signal,
        "version": declared.version,
        "dataschema": f"{settings.ORIGIN}/schemas/events/{declared.name}/{declared.version}",
        "schema": declared.schema,
        "example": declared.example,
    }


def schema(request: HttpRequest, name: str, version: int) -> JsonResponse:
    """Answer the JSON Schema that `dataschema` of an envelope names; public, as the catalogue is.

    Raises NotFound.
    """
    try:
        declared = registry.get(name)
    except UnknownEventType:
        raise NotFound from None
    if version != declared.version:
        raise NotFound
    response = JsonResponse(declared.schema, json_dumps_params={"ensure_ascii": False})
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response
