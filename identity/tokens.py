"""The person's own tokens (decision C28): what acts across tenants, made at /account/ and nowhere else.

A token is a keyed digest at rest, shown once, lives days at most, and opens only what names a scope of
`TokenScope`. No application of a tenant can get one.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from core import housekeeping, scope, secrets
from core.errors import Conflict, NotFound, TokenExpired, TokenInvalid, TokenRevoked
from events.services import emit
from identity import selectors, services
from identity.models import AccountToken

PREFIX = "clv_account_"
PURPOSE = "identity.account_token"
MOST_LIVE = 20
LIFETIMES = {"1h": timedelta(hours=1), "1d": timedelta(days=1), "7d": timedelta(days=7)}
TOUCH_EVERY = timedelta(minutes=1)


class TokenScope(StrEnum):
    """What a person's own token may do. Closed: it reaches into no tenant."""

    TENANTS_CREATE = "tenants:create"
    TENANTS_READ = "tenants:read"


@dataclass(frozen=True)
class IssuedToken:
    """A token and its secret, which is nowhere else."""

    token: AccountToken
    secret: str


@dataclass(frozen=True)
class TokenHolder:
    """The person behind a token, free of database objects."""

    account_id: uuid.UUID
    token_id: uuid.UUID
    name: str
    email: str
    scopes: frozenset[str]


def live_tokens(account_id: uuid.UUID) -> QuerySet[AccountToken]:
    """Return the person's tokens that still work, newest first."""
    rows = AccountToken.objects.filter(account_id=account_id, revoked_at=None)
    return rows.filter(expires_at__gt=timezone.now()).order_by("-id")


def issue(*, account_id: uuid.UUID, name: str, scopes: Collection[str], lifetime: str) -> IssuedToken:
    """Make a token in the open account scope. `lifetime` is a word of LIFETIMES. Raises Conflict."""
    if live_tokens(account_id).count() >= MOST_LIVE:
        raise Conflict(f"You have {MOST_LIVE} tokens that work. Revoke one first.")
    key = secrets.generate_key(PREFIX)
    with transaction.atomic():
        row = AccountToken.objects.create(
            account_id=account_id,
            name=name,
            hint=PREFIX + key.public_id,
            digest=secrets.fingerprint(key.text, PURPOSE),
            scopes=sorted(TokenScope(word) for word in scopes),
            expires_at=timezone.now() + LIFETIMES[lifetime],
        )
        described = _describe(row) | {"expires_at": row.expires_at.isoformat(), "scopes": row.scopes}
        emit("account_token.created", actor=services.person(account_id), object=described)
    return IssuedToken(row, key.text)


def revoke(*, account_id: uuid.UUID, token_id: uuid.UUID) -> None:
    """Revoke one token of the open account scope; raises NotFound for anybody else's or a dead one."""
    if not _revoke(account_id, live_tokens(account_id).filter(id=token_id), "revoked_by_person"):
        raise NotFound


def revoke_all(*, account_id: uuid.UUID, reason: str) -> int:
    """Revoke every token of the open account scope; returns how many worked until now."""
    return _revoke(account_id, live_tokens(account_id), reason)


def _revoke(account_id: uuid.UUID, rows: QuerySet[AccountToken], reason: str) -> int:
    with transaction.atomic():
        found = list(rows.select_for_update())
        for row in found:
            row.revoked_at = timezone.now()
            row.save(update_fields=["revoked_at", "updated_at"])
            described = _describe(row) | {"reason": reason}
            emit("account_token.revoked", actor=services.person(account_id), object=described)
    return len(found)


def _describe(row: AccountToken) -> dict[str, object]:
    return {"id": row.public_id, "object": "account_token", "name": row.name, "hint": row.hint}


def is_account_token(text: str) -> bool:
    return text.startswith(PREFIX)


def holder_of(text: str) -> TokenHolder:
    """Return the person behind a token; raises TokenInvalid, TokenRevoked, TokenExpired.

    Opens the account scope itself.
    """
    known = _look_up(text)
    if known is None:
        raise TokenInvalid
    token_id, account_id = known
    with scope.account(account_id):
        row = AccountToken.objects.select_related("account").filter(id=token_id).first()
        if row is None or row.revoked_at is not None or not row.account.is_active:
            raise TokenRevoked
        if row.expires_at <= timezone.now():
            raise TokenExpired("The token has expired. Make a new one at your account's page.")
        _touch(row)
        email = selectors.primary_email(account_id)
        return TokenHolder(account_id, row.id, row.account.name, email, frozenset(row.scopes))


def _touch(row: AccountToken) -> None:
    if row.last_used_at is None or timezone.now() - row.last_used_at >= TOUCH_EVERY:
        AccountToken.objects.filter(id=row.id).update(last_used_at=timezone.now())


def _look_up(text: str) -> tuple[uuid.UUID, uuid.UUID] | None:
    try:
        secrets.parse_key(text)
    except ValueError:
        return None
    with connection.cursor() as cursor:
        for digest in secrets.fingerprints(text, PURPOSE):
            cursor.execute("SELECT token_id, account_id FROM account_token_by_digest(%s)", [digest])
            found = cursor.fetchone()
            if found:
                return found[0], found[1]
    return None


@housekeeping.sweep("account tokens")
def _tokens() -> int:
    return housekeeping.delete_batch("identity_accounttoken", "expires_at < now() - interval '30 days'")


@housekeeping.sweep("account requests")
def _requests() -> int:
    return housekeeping.delete_batch("identity_accountrequest", "expires_at < now()")
