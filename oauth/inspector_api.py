"""`POST /v1/token-inspections`: why a token is taken or refused (NEW-03)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from core.api.endpoint import Answer, Call, Endpoint, operation
from core.api.fields import Body, Text, timestamp
from core.check_order import ORDER
from oauth import inspector
from oauth.inspector.report import Kind, Report, Step, Trace, Verdict
from roles.permissions import Permission

CHECKS = [str(check) for check in ORDER]


class InspectionBody(Body):
    """`token`: a token, API key, code or request id, never stored. `operation`: what to try it against."""

    token = Text(inspector.LONGEST)
    operation = Text(500, required=False, allow_blank=True)


class StepShape(serializers.Serializer):
    check = serializers.ChoiceField(CHECKS)
    part = serializers.CharField(help_text="of `unrevoked`: what the token hangs on")
    verdict = serializers.ChoiceField([str(verdict) for verdict in Verdict])
    detail = serializers.CharField()
    code = serializers.CharField(help_text="the error that a caller gets by this check")
    fix = serializers.CharField(help_text="the one change that would flip it")


class TraceShape(serializers.Serializer):
    id = serializers.CharField()
    type = serializers.CharField()
    created_at = serializers.DateTimeField()
    actor = serializers.CharField()
    code = serializers.CharField()
    check = serializers.ChoiceField(CHECKS, allow_null=True)


class InspectionShape(serializers.Serializer):
    """`decided_by` is the first check that fails, null where none does. `steps` stand in the one order."""

    object = serializers.CharField()
    kind = serializers.ChoiceField([str(kind) for kind in Kind])
    accepted = serializers.BooleanField()
    decided_by = StepShape(allow_null=True)
    steps = StepShape(many=True)
    facts = serializers.DictField(child=serializers.CharField())
    claims = serializers.DictField(allow_null=True)
    events = TraceShape(many=True)


class TokenInspections(Endpoint):
    @operation(
        scope=Permission.AUDIT_READ,
        body=InspectionBody,
        answer=InspectionShape,
        summary="Explain why a token is taken or refused, or what a request was refused for",
        tags=("Tokens",),
    )
    def post(self, call: Call) -> Answer:
        told = call.body
        report = inspector.inspect(actor=call.caller, text=told["token"], operation=told.get("operation", ""))
        return Answer(document(report), headers={"Cache-Control": "no-store"})


def document(report: Report) -> dict[str, Any]:
    return {
        "object": "token_inspection",
        "kind": str(report.kind),
        "accepted": report.accepted,
        "decided_by": _step(report.decided_by) if report.decided_by else None,
        "steps": [_step(step) for step in report.steps],
        "facts": dict(report.facts),
        "claims": report.claims,
        "events": [_trace(trace) for trace in report.events],
    }


def _step(step: Step) -> dict[str, str]:
    return {
        "check": str(step.check),
        "part": step.part,
        "verdict": str(step.verdict),
        "detail": step.detail,
        "code": step.code,
        "fix": step.fix,
    }


def _trace(trace: Trace) -> dict[str, Any]:
    event = trace.event
    return {
        "id": event.public_id,
        "type": event.type,
        "created_at": timestamp(event.created_at),
        "actor": event.actor_id,
        "code": trace.code,
        "check": str(trace.check) if trace.check else None,
    }
