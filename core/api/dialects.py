"""The dialects in which a resource server may speak its refusals (api-conventions §4).

Status and headers do not change, and the code stays the same word in another form.
"""

from __future__ import annotations

from typing import Any

from core.api.problems import PROBLEM, SIMPLE, UPPER, challenge_for, document, in_dialect
from core.errors import Problem

DIALECTS = (PROBLEM, UPPER, SIMPLE)


def body(problem: Problem, dialect: str, *, instance: str = "", request_id: str = "") -> dict[str, Any]:
    if dialect == PROBLEM:
        return document(problem, instance=instance, request_id=request_id)
    return in_dialect(problem, dialect)


def refusal(problem: Problem, dialect: str) -> dict[str, Any]:
    """Return a whole answer as data: what a resource server sends on to its caller."""
    challenge = challenge_for(problem)
    headers = {"WWW-Authenticate": challenge} if challenge else {}
    return {
        "status": problem.status,
        "code": problem.code,
        "headers": headers,
        "body": body(problem, dialect),
    }
