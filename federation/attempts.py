"""What became of sign-ins by a connection, for whoever looks after it (ORG-17): the newest, without secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from core import context
from core.principal import Actor
from events.services import emit
from federation.models import Attempt, Connection

KEPT = 50
LARGEST = 8192  # bytes of claims that a test sign-in keeps


def record(
    connection: Connection,
    *,
    failed: str = "",
    detail: str = "",
    member: str = "",
    is_test: bool = False,
    claims: Mapping[str, Any] | None = None,
) -> Attempt:
    """Keep one attempt in the open scope, drop those past the fiftieth, and tell of a refusal."""
    row = Attempt.objects.create(
        connection=connection,
        organization_id=connection.organization_id,
        is_test=is_test,
        failed=failed,
        detail=detail[:300],
        member=member,
        request_id=context.current().request_id[:60],
        claims=_bounded(claims or {}),
    )
    older = Attempt.objects.filter(connection=connection).order_by("-id").values("id")[KEPT:]
    Attempt.objects.filter(id__in=list(older.values_list("id", flat=True))).delete()
    if failed:
        _tell(row, connection)
    return row


def _bounded(claims: Mapping[str, Any]) -> dict[str, Any]:
    """What no column takes, or would fill it, is left out."""
    text = json.dumps(dict(claims), default=str)
    return json.loads(text) if len(text) <= LARGEST and "\\u0000" not in text else {}


def _tell(row: Attempt, connection: Connection) -> None:
    emit(
        "sso.connection.test_failed" if row.is_test else "sso.assertion.rejected",
        actor=Actor("user", "unknown"),
        organization_id=connection.organization_id,
        object={
            "id": row.public_id,
            "object": "sso_attempt",
            "connection": connection.public_id,
            "reason": row.failed,
        },
    )


def of(connection: Connection) -> QuerySet[Attempt]:
    """Return what is kept, in no order."""
    return Attempt.objects.filter(tenant_id=connection.tenant_id, connection=connection)
