"""Refusals of known callers become events of the credential's own tenant, and of no other (TEN-06).

They are written in a scope of their own, because the refused request's is rolled back. One event a
minute for each caller, reason and process: whoever hammers at a closed door must not fill the log.
"""

from __future__ import annotations

import uuid

import structlog

from core import scope
from core.api.denials import on_denied
from core.errors import Problem
from core.livecache import LiveCache
from core.principal import Actor, Principal
from events.services import emit

log = structlog.get_logger(__name__)
_recent: LiveCache[bool] = LiveCache("denied", ttl=60)


@on_denied
def denied(caller: Principal, problem: Problem) -> None:
    record(caller.tenant_id, caller.actor, problem.code)


def record(tenant_id: uuid.UUID, actor: Actor, code: str) -> None:
    """Write `access.denied`; a refusal stays a refusal where that fails."""
    try:
        _recent.get(f"{tenant_id}:{actor.type}:{actor.id}:{code}", lambda: _write(tenant_id, actor, code))
    except Exception as error:
        log.error("a denial could not be recorded", code=code, exc_info=error)


def _write(tenant_id: uuid.UUID, actor: Actor, code: str) -> bool:
    with scope.tenant(tenant_id):
        emit("access.denied", actor=actor, object={"id": actor.id, "object": "access", "code": code})
    return True
