"""Rate-limit classes at the API's door, with the draft RateLimit headers (api-conventions §6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core import ratelimit
from core.errors import RateLimitExceeded
from core.principal import Principal, SubjectType

if TYPE_CHECKING:
    from core.api.endpoint import Operation


def spend(spec: Operation, caller: Principal, method: str) -> dict[str, str]:
    """Count one call against the caller's classes, per credential and per owner, so that more keys do not
    give more calls. Returns headers; raises RateLimitExceeded.
    """
    names = ["standard"]
    if spec.rate:
        names.append(spec.rate)
    elif method not in {"GET", "HEAD"}:
        names.append("write")
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
