"""Rate-limit classes at the API's door, with the draft RateLimit headers (api-conventions §6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.request import Request

from core import ratelimit
from core.errors import RateLimitExceeded
from core.principal import Principal, SubjectType

if TYPE_CHECKING:
    from core.api.endpoint import Operation


def spend(spec: Operation, caller: Principal, request: Request) -> dict[str, str]:
    """Count one call against the caller's classes, per credential and per owner, so that more keys do not
    give more calls. Returns headers; raises RateLimitExceeded.
    """
    names = classes_of(spec, request)
    service = caller.subject_type is SubjectType.SERVICE
    decision = ratelimit.hit(
        tenant=str(caller.tenant_id),
        subjects=sorted({caller.credential, caller.subject}),
        limits=[ratelimit.limit_for(name, service=service) for name in names],
    )
    if decision.allowed:
        return decision.headers()
    raise RateLimitExceeded(
        headers=decision.headers(),
        violated_policies=decision.violated,
    )


def classes_of(spec: Operation, request: Request) -> list[str]:
    """Return the classes that a call counts against: its declared one, or what method and query make it."""
    if spec.rate:
        return ["standard", spec.rate]
    if request.method not in {"GET", "HEAD"}:
        return ["standard", "write"]
    searches = request.META.get("QUERY_STRING") and "q" in request.query_params
    return ["standard", "search"] if searches else ["standard"]
