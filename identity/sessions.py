"""Identity sessions: a person's browser sign-in over all tenants.

The cookie holds 256 random bits, the row their keyed digest. Every sign-in and step-up gives a new
value, so that a planted or copied older one is worthless (L7). Limits are decided when a session is
used, never by a clean-up job (R20).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from core import context, jobs, scope, secrets
from core.housekeeping import delete_batch, sweep
from core.postgres import rows
from core.postgres.prepared import Prepared
from events.services import emit
from identity import assurance, selectors, services
from identity.models import IdentitySession

ABSOLUTE = timedelta(hours=24)
IDLE = timedelta(hours=1)
REMEMBERED = timedelta(days=30)
TOUCH_EVERY = timedelta(minutes=1)
BY_ACCOUNT = "account"
SESSION_PURPOSE = "identity.session"
# What is not live is not found.
_FOUND = (
    "id", "account_id", "account_name", "locale", "email", "opened_by", "amr", "acr", "auth_time",
    "last_active_at", "expires_at", "remembered", "factor_proved_at", "proved_mailbox", "risk", "connection_id",
)  # fmt: skip
_FIND = Prepared("""
SELECT s.id, s.account_id, a.name, a.locale,
       COALESCE((SELECT e.address FROM identity_emailaddress e WHERE e.account_id = a.id
                  ORDER BY e.is_primary DESC, e.id LIMIT 1), ''),
       s.opened_by, s.amr, s.acr, s.auth_time, s.last_active_at, s.expires_at, s.remembered,
       s.factor_proved_at, s.proved_mailbox, s.risk, s.connection_id
  FROM identity_identitysession s JOIN identity_account a ON a.id = s.account_id
 WHERE s.digest = %(digest)s AND s.ended_at IS NULL AND s.expires_at > %(now)s AND a.status = 'active'
""")
RECOVERY = "recovery"  # announced even when no sign-in was live: standing grants end too


@dataclass(frozen=True)
class SessionRef:
    """A live sign-in, free of database objects. One that a tenant's connection opened is good there only."""

    id: uuid.UUID
    account_id: uuid.UUID
    account_name: str
    locale: str
    email: str
    opened_by: str
    amr: tuple[str, ...]
    acr: str
    auth_time: datetime
    last_active_at: datetime
    expires_at: datetime
    remembered: bool
    factor_proved_at: datetime | None = None
    proved_mailbox: bool = False
    risk: tuple[str, ...] = ()
    connection_id: uuid.UUID | None = None

    @property
    def is_own(self) -> bool:
        """Whether the account's own methods opened it."""
        return self.opened_by == BY_ACCOUNT

    def is_good_in(self, tenant_id: uuid.UUID) -> bool:
        """Whether it may be used in a tenant: one that a connection opened is good there alone (threat F7)."""
        return self.is_own or self.opened_by == str(tenant_id)

    def is_of(self, account_id: uuid.UUID, opened_by: str, connection_id: uuid.UUID | None) -> bool:
        """Whether a sign-in of this kind goes on with it."""
        return (self.account_id, self.opened_by, self.connection_id) == (account_id, opened_by, connection_id)

    def is_fresh(self, seconds: int) -> bool:
        """Whether the person really authenticated within the last `seconds` (L8)."""
        return timezone.now() - self.auth_time <= timedelta(seconds=seconds)

    def trusts_longer_than(self, seconds: int) -> bool:
        """Whether a trusted browser stood for the second factor, whose proof was older than that."""
        proved = self.factor_proved_at
        return proved is not None and self.auth_time - proved > timedelta(seconds=seconds)

    def is_idle(self, seconds: int) -> bool:
        """Whether the person has been away too long; who asked to be remembered is not timed out."""
        return not self.remembered and timezone.now() - self.last_active_at > timedelta(seconds=seconds)


@dataclass(frozen=True)
class Opened:
    """A session and the value for its cookie, which is nowhere else."""

    id: uuid.UUID
    value: str
    expires_at: datetime


def find(value: str) -> SessionRef | None:
    """Return the live session of a cookie's value; opens an account scope for a moment.

    Idle limits differ by door: each asks `SessionRef.is_idle` with its own.
    """
    if not value or len(value) > 100:
        return None
    for digest in secrets.fingerprints(value, SESSION_PURPOSE):
        with scope.one_statement_of_holder("identity_session_by_digest", digest):
            found = _read(digest)
        if found is not None:
            return found
    return None


def _read(digest: str) -> SessionRef | None:
    row = _FIND.first({"digest": digest, "now": timezone.now()})
    if row is None:
        return None
    found = dict(zip(_FOUND, row, strict=True))
    lists = {name: tuple(json.loads(found[name])) for name in ("amr", "risk")}
    return SessionRef(**{**found, **lists})


def may_open(account_id: uuid.UUID) -> bool:
    """Whether the account is active; opens its scope for a moment."""
    with scope.account(account_id):
        account = selectors.account(account_id)
        return account is not None and account.is_active


def open_session(
    *,
    account_id: uuid.UUID,
    amr: list[str],
    acr: str = assurance.PASSWORD,
    remember: bool = False,
    replacing: SessionRef | None = None,
    opened_by: str = BY_ACCOUNT,
    connection_id: uuid.UUID | None = None,
    factor_proved_at: datetime | None = None,
    proved_mailbox: bool = False,
    risk: Iterable[str] = (),
) -> Opened:
    """Record a sign-in that has just happened, in the open account scope, and return the new cookie value.

    `replacing` is the session that this browser had: the same person's goes on under a new value, so that
    the tenant sessions hanging on it stay; another person's must be ended by the caller first.
    """
    now, value, known = timezone.now(), secrets.new_token(), context.current()
    fields: dict[str, Any] = {
        "digest": secrets.fingerprint(value, SESSION_PURPOSE),
        "amr": amr,
        "acr": acr,
        "auth_time": now,
        "factor_proved_at": factor_proved_at,
        "proved_mailbox": proved_mailbox,
        "risk": list(risk),
        "last_active_at": now,
        "expires_at": now + (REMEMBERED if remember else ABSOLUTE),
        "remembered": remember,
        "ip": known.ip or None,
        "user_agent": known.user_agent[:300],
    }
    if replacing is not None and replacing.is_of(account_id, opened_by, connection_id):
        IdentitySession.objects.filter(id=replacing.id).update(**fields, updated_at=now)
        return Opened(replacing.id, value, fields["expires_at"])
    row = IdentitySession(account_id=account_id, opened_by=opened_by, connection_id=connection_id, **fields)
    rows.insert(row)
    return Opened(row.id, value, row.expires_at)


def step_up(session: SessionRef, *, amr: list[str], acr: str, is_whole: bool = False) -> Opened:
    """Raise a live sign-in by a further proof, under a new cookie value (L7), in the open account scope.

    `auth_time` moves only when the proof is a whole authentication by itself: a code alone is none.
    """
    value = secrets.new_token()
    fields: dict[str, Any] = {"amr": amr, "acr": acr, "factor_proved_at": None, "risk": []}
    if is_whole:
        fields["auth_time"] = timezone.now()
    IdentitySession.objects.filter(id=session.id, ended_at=None).update(
        digest=secrets.fingerprint(value, SESSION_PURPOSE), updated_at=timezone.now(), **fields
    )
    return Opened(session.id, value, session.expires_at)


def end(*, account_id: uuid.UUID, session_ids: list[uuid.UUID], reason: str) -> list[uuid.UUID]:
    """End sign-ins of the open account scope; returns those that were live."""
    ended = []
    for row in IdentitySession.objects.select_for_update().filter(
        account_id=account_id, id__in=session_ids, ended_at=None
    ):
        row.ended_at = timezone.now()
        row.save(update_fields=["ended_at", "updated_at"])
        described = {"id": row.public_id, "object": "session", "reason": reason}
        emit("session.ended", actor=services.person(account_id), object=described)
        ended.append(row.id)
    if ended or reason == RECOVERY:
        _announce(account_id, ended, reason)
    return ended


def _announce(account_id: uuid.UUID, ended: list[uuid.UUID], reason: str) -> None:
    """Let what hangs on these sign-ins end too: at once after the commit, and by a job should that fail."""
    payload = {
        "account_id": str(account_id),
        "sessions": [str(one) for one in ended],
        "reason": reason,
        "at": timezone.now().isoformat(),
    }
    jobs.enqueue("identity.sessions_ended", payload)
    transaction.on_commit(lambda: _tell(payload), robust=True)


_listeners: list[Callable[[dict[str, Any]], None]] = []


def on_ended(listener: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    """Register what a higher app ends with a sign-in; called with no scope open, possibly twice.

    The second call may come late: `at` in the payload tells what was there before from what the person did since.
    """
    _listeners.append(listener)
    return listener


def _tell(payload: dict[str, Any]) -> None:
    for listener in _listeners:
        listener(payload)


@jobs.handler("identity.sessions_ended", opens_scope=False)
def tell_again(payload: dict[str, Any]) -> None:
    _tell(payload)


@sweep("ended_sign_ins")
def _forget() -> int:
    """Sign-ins are forgotten, with their addresses and browsers, a month after they ended or ran out."""
    over = "coalesce(ended_at, expires_at) < now() - interval '30 days'"
    return delete_batch("identity_identitysession", over)


def end_others(*, account_id: uuid.UUID, keep: uuid.UUID | None, reason: str) -> list[uuid.UUID]:
    """End every sign-in of the person but `keep`."""
    live = selectors.live_sessions(account_id).values_list("id", flat=True)
    return end(account_id=account_id, session_ids=[one for one in live if one != keep], reason=reason)


def ends_at(session: SessionRef) -> datetime:
    """Return when it ends unless the person does something before: idle, or at its absolute limit."""
    return (
        session.expires_at if session.remembered else min(session.expires_at, session.last_active_at + IDLE)
    )


def renew(session: SessionRef, *, idle_seconds: int) -> datetime:
    """Record when the person last did something on an open page; returns when the session ends now.

    The renewal itself is no activity (SES-03): a page that nobody attends names an older moment and changes
    nothing. Nothing is moved past this moment, and an idle session stays idle.
    """
    done = timezone.now() - timedelta(seconds=max(0, idle_seconds))
    if done <= session.last_active_at or session.is_idle(int(IDLE.total_seconds())):
        return ends_at(session)
    with scope.account(session.account_id):
        mine = IdentitySession.objects.filter(id=session.id, ended_at=None, last_active_at__lt=done)
        mine.update(last_active_at=done)
    return ends_at(replace(session, last_active_at=done))


def touch(session: SessionRef) -> None:
    """Record activity by the person at most once a minute; opens a scope only when it writes."""
    if timezone.now() - session.last_active_at < TOUCH_EVERY:
        return
    with scope.account(session.account_id):
        IdentitySession.objects.filter(id=session.id, ended_at=None).update(last_active_at=timezone.now())
