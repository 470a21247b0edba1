"""Requests: what was recorded under a request id, and which check refused it."""

from __future__ import annotations

from core.check_order import BY_CODE, Check
from core.errors import Problem
from events.models import Event
from events.selectors import Search, described, envelope, search
from oauth.inspector.report import Kind, Report, Step, Trace, Verdict

MOST = 50


def inspect(request_id: str) -> Report:
    """Return the events of a request, oldest first; a refusal among them decides."""
    rows = described(search(Search(request_id=request_id[:64]))).order_by("id")[:MOST]
    traces = [_trace(row) for row in rows]
    steps = [_step(trace) for trace in traces if trace.check is not None]
    return Report(Kind.REQUEST, steps, {"request_id": request_id[:64]}, None, traces)


def _trace(row: Event) -> Trace:
    code = str(envelope(row)["data"]["object"].get("code", ""))
    return Trace(row, code, BY_CODE.get(code) if row.type == "access.denied" else None)


def _step(trace: Trace) -> Step:
    assert trace.check is not None
    kind = Problem.registry.get(trace.code, Problem)
    return Step(Check(trace.check), Verdict.FAILED, str(kind.title), trace.code, str(kind.fix))
