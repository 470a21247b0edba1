"""Rate-limit classes at the API's door, with the draft RateLimit headers (api-conventions §6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core import ratelimit
from core.errors import RateLimitExceeded
from core.principal import Principal, SubjectType

if TYPE_CHECKING:
    from core.api.endpoint import Operation


def spend(spec: Operation, caller: Principal, method: str) -> dict[str, str]:
    """Count one call against the caller's classes; returns headers, raises RateLimitExceeded."""
    classes = ["standard"]
    if spec.rate:
        classes.append(spec.rate)
    elif method not in {"GET", "HEAD"}:
        classes.append("write")
    decision = ratelimit.spend(
        str(caller.tenant_id),
        caller.credential,
        classes,
        service=caller.subject_type is SubjectType.SERVICE,
    )
    if decision.allowed:
        return decision.headers
    raise RateLimitExceeded(
        headers={**decision.headers, "Retry-After": str(decision.retry_after)},
        violated_policies=list(decision.violated),
    )
