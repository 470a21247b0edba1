"""Initial access tokens: who may register clients without an administrator, and within which limits (O10)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from core import ids, ports, scope, secrets
from core.errors import FieldError, NotFound, ValidationFailed
from core.principal import Principal, SubjectType
from events.services import emit
from oauth.applications import tenant_ref
from oauth.catalogue import IDENTITY_SCOPES, resources_of
from oauth.grants import AUTHORIZATION_CODE, CLIENT_CREDENTIALS, REFRESH_TOKEN
from oauth.models import InitialAccessToken
from oauth.redirect_limits import limit_fault
from oauth.registration import GRANTS
from oauth.registration_metadata import Limits
from roles import guards
from roles.permissions import Permission
from tenants import selectors
from tenants.selectors import TenantRef

PREFIX, PURPOSE = "dcr_", "initial_access_token"
MOST_USES, LONGEST = 10_000, 365 * 86_400
DEFAULT_GRANTS = (AUTHORIZATION_CODE, REFRESH_TOKEN)
_LOOKUP = "SELECT * FROM tenant_of_initial_access_token(%s) LIMIT 1"
# One statement decides who gets the last use; it waits for others that are about to take it.
_SPEND = """
UPDATE oauth_initialaccesstoken SET uses = uses + 1, last_used_at = now(), updated_at = now()
 WHERE tenant_id = %s AND id = %s AND revoked_at IS NULL AND expires_at > now() AND uses < max_uses
"""


@dataclass(frozen=True)
class IssuedToken:
    """`secret` is shown this once."""

    row: InitialAccessToken
    secret: str


def create_initial_access_token(
    *,
    actor: Principal,
    name: str,
    expires_in: int = 7 * 86_400,
    max_uses: int = 1,
    redirect_uris: Sequence[str] = (),
    grants: Sequence[str] = DEFAULT_GRANTS,
    scopes: Sequence[str] = tuple(IDENTITY_SCOPES),
    metadata: Mapping[str, str] | None = None,
) -> IssuedToken:
    """Make a token; `expires_in` are seconds. Raises ValidationFailed, and GrantExceedsOwn for scopes that the
    actor lacks when machines may be registered with them (threat A6).
    """
    ports.authority.require(actor, Permission.APPLICATIONS_WRITE)
    _check(expires_in, max_uses, redirect_uris, grants, scopes)
    if CLIENT_CREDENTIALS in grants:
        known = {str(permission) for permission in Permission}
        guards.may_grant(actor, [word for word in scopes if word in known])
    secret = secrets.generate(PREFIX)
    row = InitialAccessToken(
        name=name,
        digest=secrets.fingerprint(secret, PURPOSE),
        hint=secret[-4:],
        redirect_uris=list(redirect_uris),
        grants=list(grants),
        scopes=list(scopes),
        max_uses=max_uses,
        expires_at=timezone.now() + timedelta(seconds=expires_in),
        created_by=actor.subject,
        metadata=dict(metadata or {}),
    )
    with transaction.atomic():
        row.save(force_insert=True)
        emit("initial_access_token.created", actor=actor.actor, object=describe(row))
    return IssuedToken(row, secret)


def _check(
    expires_in: int, max_uses: int, redirect_uris: Sequence[str], grants: Sequence[str], scopes: Sequence[str]
) -> None:
    tenant = tenant_ref()
    faults = [
        *_bounds(expires_in, max_uses),
        *_words("grants", grants, {g for all_ in GRANTS.values() for g in all_}),
    ]
    known = set(IDENTITY_SCOPES).union(*(resource.scopes for resource in resources_of(tenant).values()))
    faults += _words("scopes", scopes, known)
    if len(redirect_uris) > 50:
        faults.append(FieldError("/redirect_uris", "too_many", "At most 50."))
    for index, limit in enumerate(redirect_uris):
        if fault := limit_fault(limit, tenant.mode):
            faults.append(FieldError(f"/redirect_uris/{index}", "invalid", fault))
    if not grants:
        faults.append(FieldError("/grants", "required", "Name at least one grant."))
    if faults:
        raise ValidationFailed(errors=faults)


def _bounds(expires_in: int, max_uses: int) -> Iterable[FieldError]:
    if not 60 <= expires_in <= LONGEST:
        yield FieldError("/expires_in", "out_of_range", f"60 to {LONGEST} seconds.")
    if not 1 <= max_uses <= MOST_USES:
        yield FieldError("/max_uses", "out_of_range", f"1 to {MOST_USES}.")


def _words(field: str, given: Sequence[str], known: Iterable[str]) -> Iterable[FieldError]:
    for index, word in enumerate(given):
        if word not in known:
            yield FieldError(f"/{field}/{index}", "unknown", f"{word[:60]} is not known here.")


def revoke_initial_access_token(*, actor: Principal, token: InitialAccessToken) -> InitialAccessToken:
    """End a token at once; what it registered stays."""
    ports.authority.require(actor, Permission.APPLICATIONS_WRITE, token)
    if token.revoked_at is not None:
        return token
    token.revoked_at = timezone.now()
    with transaction.atomic():
        token.save(update_fields=["revoked_at", "updated_at"])
        emit("initial_access_token.revoked", actor=actor.actor, object=describe(token))
    return token


@dataclass(frozen=True)
class Held:
    """A presented token: whose tenant, which row, as whom its holder acts."""

    tenant: TenantRef
    id: uuid.UUID
    limits: Limits

    @property
    def principal(self) -> Principal:
        words = frozenset({str(Permission.APPLICATIONS_WRITE), *self.limits.scopes})
        return Principal(
            subject_type=SubjectType.SERVICE,
            subject=ids.encode(InitialAccessToken.PREFIX, self.id),
            tenant_id=self.tenant.id,
            tenant_slug=self.tenant.slug,
            mode=self.tenant.mode,
            permissions=words,
            scopes=words,
        )


def find(text: str) -> Held | None:
    """Return what a token stands for, of whichever tenant; None unless it may be used now. Needs no scope."""
    if not text.startswith(PREFIX) or len(text) > 100 or not secrets.has_valid_checksum(text):
        return None
    digests = secrets.fingerprints(text, PURPOSE)
    with connection.cursor() as cursor:
        cursor.execute(_LOOKUP, [digests])
        found = cursor.fetchone()
    tenant = selectors.by_id(found[0]) if found else None
    if tenant is None or not tenant.is_active:
        return None
    with scope.tenant(tenant.id):
        row = find_here(text)
    # A token that is used up is still known: a retried call with its Idempotency-Key gets its first answer.
    if row is None or row.status_at(timezone.now()) not in ("active", "used_up"):
        return None
    return Held(tenant, row.id, limits_of(row))


def find_here(text: str) -> InitialAccessToken | None:
    """Return the row of a token in the open tenant, whatever its state."""
    return initial_access_tokens().filter(digest__in=secrets.fingerprints(text, PURPOSE)).first()


def limits_of(row: InitialAccessToken) -> Limits:
    return Limits(tuple(row.redirect_uris), tuple(row.grants), tuple(row.scopes))


def spend(token: InitialAccessToken) -> bool:
    """Take one use in the running transaction; False when there is none left."""
    with connection.cursor() as cursor:
        cursor.execute(_SPEND, [scope.require_tenant(), token.id])
        return bool(cursor.rowcount)


def describe(row: InitialAccessToken) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "object": "initial_access_token",
        "name": row.name,
        "redirect_uris": list(row.redirect_uris),
        "grants": list(row.grants),
        "scopes": list(row.scopes),
        "max_uses": row.max_uses,
        "status": row.status,
    }


def initial_access_tokens() -> QuerySet[InitialAccessToken]:
    return InitialAccessToken.objects.filter(tenant_id=scope.require_tenant())


def initial_access_token(token_id: uuid.UUID) -> InitialAccessToken:
    """Return a token of the open tenant; raises NotFound."""
    found = initial_access_tokens().filter(id=token_id).first()
    if found is None:
        raise NotFound
    return found


def with_status(rows: QuerySet[InitialAccessToken], wanted: Iterable[str]) -> QuerySet[InitialAccessToken]:
    """Narrow to some of the states that `InitialAccessToken.status` tells."""
    now = timezone.now()
    living = Q(revoked_at=None, expires_at__gt=now)
    states = {
        "revoked": Q(revoked_at__isnull=False),
        "expired": Q(revoked_at=None, expires_at__lte=now),
        "used_up": living & Q(uses__gte=F("max_uses")),
        "active": living & Q(uses__lt=F("max_uses")),
    }
    chosen = [states[word] for word in wanted if word in states]
    return rows.filter(reduce(or_, chosen)) if chosen else rows
