"""OpenID Connect Back-Channel Logout 1.0: applications are told that a session of theirs is over.

Whatever ends a session writes, in its own transaction, a row for each application that took part and has an
address (§2.1). Delivery takes the rows within seconds, a few at once for one application, so that a slow
receiver keeps nobody else waiting (promise R18).
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Any
from urllib.parse import urlencode

import structlog
from celery import current_app
from django.db import connections, transaction
from django.db.models import QuerySet

from core import ids, outbound, scope
from core.housekeeping import delete_batch, sweep
from oauth.clients import in_tenant
from oauth.models import Application, LogoutDelivery
from tenants import selectors, tokens
from tenants.keys import DEFAULT_ALGORITHM
from tenants.sessions import Ended, on_ended

log = structlog.get_logger(__name__)
TASK = "oauth.deliver_logouts"
LEASE = 30  # seconds; an attempt ends after LIMITS.total
RETRIES = (5, 30, 120, 600, 1800)  # seconds after each failed attempt; then the delivery has failed
IN_FLIGHT, OF_ONE_APPLICATION = 32, 4
GLANCE = 0.25  # seconds between looks at the queue while requests are under way
LIMITS = outbound.Limits(connect=3.0, total=8.0, max_bytes=4096, truncate=True)
UNUSABLE = "address_unusable"  # whatever cannot be reached reads the same (threat W3)
_running, _wake = threading.Lock(), threading.Event()

_CHOOSE = """
WITH flying AS (
    SELECT application_id, count(*) AS n FROM oauth_logoutdelivery
     WHERE status = 'pending' AND lease IS NOT NULL AND due_at > now() GROUP BY application_id
), queued AS (
    SELECT d.id, d.due_at, coalesce(f.n, 0)
           + row_number() OVER (PARTITION BY d.application_id ORDER BY d.due_at) AS nth
      FROM oauth_logoutdelivery d LEFT JOIN flying f USING (application_id)
     WHERE d.status = 'pending' AND d.due_at <= now()
)
SELECT id FROM queued WHERE nth <= %(each)s ORDER BY nth, due_at LIMIT %(limit)s
"""
_TAKE = """
UPDATE oauth_logoutdelivery SET lease = %(lease)s, due_at = now() + %(seconds)s * interval '1 second'
 WHERE id IN (
    SELECT id FROM oauth_logoutdelivery WHERE id = ANY (%(chosen)s) AND status = 'pending' AND due_at <= now()
    FOR UPDATE SKIP LOCKED)
RETURNING tenant_id, id
"""
# Only whoever still holds the lease may say what came of it.
_RECORD = """
UPDATE oauth_logoutdelivery
   SET attempts = attempts + 1, attempted_at = now(), updated_at = now(), lease = NULL,
       last_status = %(status)s, last_error = %(error)s,
       status = CASE WHEN %(done)s THEN 'delivered' WHEN attempts >= %(most)s THEN 'failed' ELSE 'pending' END,
       due_at = now() + (%(waits)s::int[])[attempts + 1] * interval '1 second'
 WHERE tenant_id = %(tenant)s AND id = %(id)s AND lease = %(lease)s
"""


@on_ended
def promise(ended: Sequence[Ended]) -> None:
    """Write a delivery for each application that took part in the sessions and wants to know."""
    named = {client_id for one in ended for client_id in one.clients}
    if not named:
        return
    told = dict(
        Application.objects.filter(client_id__in=named)
        .exclude(backchannel_logout_uri="")
        .values_list("client_id", "id")
    )
    rows = [
        LogoutDelivery(application_id=told[client_id], session_id=one.id)
        for one in ended
        for client_id in one.clients
        if client_id in told
    ]
    if rows:
        LogoutDelivery.objects.bulk_create(rows, ignore_conflicts=True)
        transaction.on_commit(nudge)


def nudge() -> None:
    """Tell a worker that something is due; losing this costs one sweep interval of beat."""
    try:
        current_app.send_task(TASK, retry=False, expires=15)
    except Exception as error:  # noqa: BLE001 — the broker may be away; the row is the promise
        log.warning("nudge failed", error=type(error).__name__)


# --- delivery --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Leased:
    tenant_id: uuid.UUID
    id: uuid.UUID
    lease: uuid.UUID


@dataclass(frozen=True)
class Message:
    """A logout token on its way; without an address there is nowhere to send it to any more."""

    leased: Leased
    url: str = ""
    token: str = field(default="", repr=False)


@dataclass(frozen=True)
class Result:
    leased: Leased
    status: int | None = None
    error: str = ""

    @property
    def succeeded(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def deliver_due() -> int:
    """Deliver what is due and return how many attempts that were.

    While one call runs in this process, another only makes sure that the first looks again, and returns 0.
    """
    total = 0
    _wake.set()
    while _wake.is_set() and _running.acquire(blocking=False):
        try:
            _wake.clear()
            with ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="logout") as pool:
                total += _pump(pool)
        finally:
            _running.release()
    return total


def _pump(pool: ThreadPoolExecutor) -> int:
    """Send until nothing is due and nothing under way. The pool's threads touch no database."""
    total, flying = 0, set[Future[Result]]()
    while True:
        taken = _lease(IN_FLIGHT - len(flying))
        flying |= {pool.submit(send, message) for message in _compose(taken)}
        if not flying:
            return total
        done, flying = wait(flying, timeout=GLANCE, return_when=FIRST_COMPLETED)
        _record([future.result() for future in done])
        total += len(done)


def _lease(limit: int) -> list[Leased]:
    if limit <= 0:
        return []
    lease = ids.uuid7()
    with scope.relay(), connections["relay"].cursor() as cursor:
        cursor.execute(_CHOOSE, {"each": OF_ONE_APPLICATION, "limit": limit})
        chosen = [row[0] for row in cursor.fetchall()]
        if not chosen:
            return []
        cursor.execute(_TAKE, {"lease": lease, "seconds": LEASE, "chosen": chosen})
        return [Leased(tenant_id, row_id, lease) for tenant_id, row_id in cursor.fetchall()]


def _compose(taken: Iterable[Leased]) -> list[Message]:
    """Return a fresh token for each row; a tenant that fails keeps its leases and holds up nobody."""
    found: list[Message] = []
    for tenant_id, own in _by_tenant(taken):
        try:
            found += _messages(tenant_id, {one.id: one for one in own})
        except Exception as error:
            log.exception("composing logout tokens failed", tenant=str(tenant_id), exc_info=error)
    return found


def _messages(tenant_id: uuid.UUID, own: dict[uuid.UUID, Leased]) -> list[Message]:
    tenant = selectors.by_id(tenant_id)
    assert tenant is not None
    with in_tenant(tenant_id):
        rows = LogoutDelivery.objects.filter(id__in=own).select_related("application", "session__member")
        return [
            Message(
                own[row.id],
                row.application.backchannel_logout_uri,
                tokens.mint_logout_token(
                    tenant,
                    subject=row.session.member.subject,
                    client_id=row.application.client_id,
                    session_id=row.session_id,
                    # §2.6: as the client's ID tokens are signed.
                    alg=row.application.id_token_signed_response_alg or DEFAULT_ALGORITHM,
                ).token,
            )
            for row in rows
        ]


def send(message: Message) -> Result:
    """§2.5: one POST; every failure is a result, none raises."""
    if not message.url:
        return Result(message.leased, error="no_address")
    body = urlencode({"logout_token": message.token}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "*/*"}
    try:
        answer = outbound.request("POST", message.url, headers=headers, content=body, limits=LIMITS)
    except outbound.OutboundFailed as error:
        known = error.reason in ("timeout", "tls", "protocol")
        return Result(message.leased, error=error.reason if known else UNUSABLE)
    except outbound.OutboundRefused:
        return Result(message.leased, error=UNUSABLE)
    except Exception as error:
        log.exception("sending a logout token failed", exc_info=error)
        return Result(message.leased, error="internal")
    return Result(message.leased, status=answer.status)


def _record(results: Iterable[Result]) -> None:
    for tenant_id, own in _by_tenant(results):
        with in_tenant(tenant_id), connections["default"].cursor() as cursor:
            for one in own:
                cursor.execute(_RECORD, _recorded(one))


def _recorded(result: Result) -> dict[str, Any]:
    return {
        "tenant": result.leased.tenant_id,
        "id": result.leased.id,
        "lease": result.leased.lease,
        "status": result.status,
        "error": result.error,
        "done": result.succeeded,
        "most": len(RETRIES),
        "waits": [*RETRIES, 0],
    }


def _by_tenant(things: Iterable[Any]) -> list[tuple[uuid.UUID, list[Any]]]:
    of = attrgetter("tenant_id")
    pairs = sorted(
        ((of(getattr(thing, "leased", thing)), thing) for thing in things), key=lambda pair: pair[0]
    )
    return [
        (tenant_id, [thing for _, thing in own]) for tenant_id, own in groupby(pairs, lambda pair: pair[0])
    ]


# --- reading and keeping ---------------------------------------------------------------------------------


def deliveries_of(application: Application) -> QuerySet[LogoutDelivery]:
    """Return what an application was told, newest first, with session and member."""
    rows = LogoutDelivery.objects.filter(tenant_id=scope.require_tenant(), application=application)
    return rows.select_related("session__member").order_by("-id")


@sweep("logout_deliveries")
def _old() -> int:
    return delete_batch(
        "oauth_logoutdelivery", "status <> 'pending' AND created_at < now() - interval '30 days'"
    )
