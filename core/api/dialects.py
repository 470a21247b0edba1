"""The dialects in which a resource server may speak its refusals (api-conventions §4).

Status and headers do not change, and the code stays the same word in another form.
"""

from __future__ import annotations

from typing import Any

from core.api.problems import challenge_for, document
from core.errors import Problem

PROBLEM, UPPER, SIMPLE = "problem", "upper", "simple"
DIALECTS = (PROBLEM, UPPER, SIMPLE)


def body(problem: Problem, dialect: str, *, instance: str = "", request_id: str = "") -> dict[str, Any]:
    if dialect == UPPER:
        return {"error": {"code": problem.upper, "message": problem.detail}}
    if dialect == SIMPLE:
        return {"code": problem.simple, "message": problem.detail}
    return document(problem, instance=instance, request_id=request_id)


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
