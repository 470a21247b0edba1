"""Idempotency-Key: the same request has one effect and one answer (api-conventions §5).

Row and effect commit in one transaction. The advisory lock is only *tried*, so that a second request
sees at once that the first still runs. The service runs in a savepoint: a stored 4xx rolls back its
effect and keeps the row.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction
from django.utils import timezone

from core import crypto, scope, turns
from core.api.problems import document, from_drf
from core.errors import (
    IdempotencyInProgress,
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    MalformedRequest,
    Problem,
)
from core.models import IdempotencyRecord

if TYPE_CHECKING:
    from core.api.endpoint import Answer, Call

KEPT, SECRETS_KEPT = timedelta(hours=24), timedelta(hours=1)
NOT_STORED = {401, 403, 409, 412, 429}
KEY = re.compile(r"[\x21-\x7e]{1,255}\Z")


def run(call: Call, work: Callable[[], Answer]) -> Answer:
    """Run `work` in the caller's scope, at most once per key; raises what it raises."""
    key = read_key(call)
    with scope.principal(call.caller):
        serialise(call)
        if key is None:
            return work()
        return _once(call, key, work)


def serialise(call: Call) -> None:
    """Let writes with If-Match, deletions and changes of state of one object pass one after the other."""
    request = call.request
    if request.method in {"GET", "HEAD"}:
        return
    if request.method not in {"DELETE", "PUT"} and "If-Match" not in request.headers:
        return
    named = str(list(call.path.values())[-1]) if call.path else request._request.path_info
    turns.take(call.caller.tenant_id, named)


def read_key(call: Call) -> str | None:
    """Return the key; None where the method or its absence makes it moot."""
    if call.request.method in {"GET", "HEAD"}:
        return None
    sent = call.request.headers.get("Idempotency-Key")
    if sent is None:
        if call.operation.idempotency == "required":
            raise IdempotencyKeyMissing
        return None
    key = sent[1:-1] if len(sent) > 1 and sent[0] == sent[-1] == '"' else sent
    if not KEY.match(key):
        raise MalformedRequest("Idempotency-Key takes 1 to 255 printable characters.")
    return key


def _once(call: Call, key: str, work: Callable[[], Answer]) -> Answer:
    place = scope_hash(call, key)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(%s)", [int.from_bytes(place[:8], "big", signed=True)]
        )
        if not cursor.fetchone()[0]:
            raise IdempotencyInProgress(headers={"Retry-After": "1"})
    digest = fingerprint(call)
    known = IdempotencyRecord.objects.filter(scope_hash=place).first()
    if known is not None and known.expires_at > timezone.now():
        return replay(call, known, digest)
    if known is not None:
        known.delete()
    return _first(call, place, digest, work)


def _first(call: Call, place: bytes, digest: bytes, work: Callable[[], Answer]) -> Answer:
    from core.api.endpoint import Answer

    try:
        with transaction.atomic():
            answer = work()
    except Exception as error:
        problem = from_drf(error)
        if problem.status in NOT_STORED or problem.status >= 500:
            raise
        answer = refused(call, problem)
    store(call, place, digest, answer)
    return Answer(answer.body, answer.status, answer.headers, answer.etag)


def refused(call: Call, problem: Problem) -> Answer:
    from core.api.endpoint import Answer

    request = call.request._request
    body = document(problem, instance=request.path_info, request_id=request.request_id)  # type: ignore[attr-defined]
    return Answer(body, problem.status, {"Content-Type": "application/problem+json", **problem.headers})


def store(call: Call, place: bytes, digest: bytes, answer: Answer) -> None:
    """Keep an answer for 24 hours, what is secret in it apart and for one."""
    now = timezone.now()
    record = IdempotencyRecord(
        scope_hash=place,
        fingerprint=digest,
        status=answer.status,
        headers=dict(answer.headers) | ({"ETag": answer.etag} if answer.etag else {}),
        expires_at=now + KEPT,
    )
    body, secret = _apart(answer.body, call.operation.secrets)
    record.sealed_body = crypto.seal_json(body, context=_context(record))
    if secret:
        record.secret_until = now + SECRETS_KEPT
        record.sealed_secret = crypto.seal_json(secret, context=_context(record, "sealed_secret"))
    record.save()


def _apart(body: Any, secrets: Sequence[str]) -> tuple[Any, dict[str, Any]]:
    """Return the body with nulls for what is shown once, and what that was."""
    if not isinstance(body, dict):
        return body, {}
    secret = {name: body[name] for name in secrets if body.get(name) is not None}
    return body | dict.fromkeys(secret), secret


def replay(call: Call, record: IdempotencyRecord, digest: bytes) -> Answer:
    from core.api.endpoint import Answer

    if bytes(record.fingerprint) != digest:
        raise IdempotencyKeyReused
    body: Any = crypto.open_sealed_json(bytes(record.sealed_body), context=_context(record))
    if record.secret_until is not None and record.status < 300 and isinstance(body, dict):
        body |= _secret_of(record) or dict.fromkeys(call.operation.secrets) | {"secret_redacted": True}
    return Answer(body, record.status, {**record.headers, "Idempotent-Replayed": "true"})


def _secret_of(record: IdempotencyRecord) -> dict[str, Any]:
    """Return what is shown once while its hour lasts, decided now and not by the sweep (promise R20)."""
    if record.sealed_secret is None or record.secret_until is None or record.secret_until < timezone.now():
        return {}
    secret: dict[str, Any] = crypto.open_sealed_json(
        bytes(record.sealed_secret), context=_context(record, "sealed_secret")
    )
    return secret


def _context(record: IdempotencyRecord, column: str = "sealed_body") -> tuple[str, ...]:
    return (str(record.tenant_id), "core_idempotencyrecord", column, str(record.id))


def scope_hash(call: Call, key: str) -> bytes:
    """Tenant + mode + principal + method + path + key (threat A4: equal keys of others stay apart)."""
    caller = call.caller
    parts = [
        str(caller.tenant_id),
        caller.mode,
        str(caller.organization_id or ""),
        caller.subject,
        str(caller.key_id or ""),
        call.request.method or "",
        call.request._request.path_info,
        key,
    ]
    return hashlib.sha256("\x1f".join(parts).encode()).digest()


def fingerprint(call: Call) -> bytes:
    """SHA-256 of the canonical body and query."""
    material = [call.request.data, sorted(call.request.query_params.lists())]
    return hashlib.sha256(json.dumps(material, sort_keys=True, separators=(",", ":")).encode()).digest()
