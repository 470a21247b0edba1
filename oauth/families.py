"""Token families: everything that descends from one authorization, and how it ends (RFC 9700 §4.14)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils import timezone

from core import ids, livecache, scope
from core.principal import SYSTEM, Actor
from events.services import emit
from oauth.clients import Client
from tenants.models import Member, RevokedToken

_LIVE_ACCESS = """
SELECT access_jti, access_expires_at FROM oauth_refreshtoken
 WHERE tenant_id = %(tenant)s AND token_family = ANY(%(families)s) AND access_expires_at > now()
UNION
SELECT access_jti, access_expires_at FROM oauth_grant
 WHERE tenant_id = %(tenant)s AND token_family = ANY(%(families)s) AND access_expires_at > now()
UNION
SELECT access_jti, access_expires_at FROM oauth_devicegrant
 WHERE tenant_id = %(tenant)s AND token_family = ANY(%(families)s) AND access_expires_at > now()
"""


def _ending(table: str, column: str) -> str:
    """Newest first: a refresh holds the newest link when it ends its family, and so all wait in one direction.

    Nobody else may hold a link when they end a family: the update that loses a row keeps it locked all the same.
    """
    return f"""
WITH living AS MATERIALIZED (
    SELECT id FROM {table}
     WHERE tenant_id = %(tenant)s AND token_family = ANY(%(families)s) AND {column} IS NULL
     ORDER BY id DESC FOR NO KEY UPDATE)
UPDATE {table} ending SET {column} = now(), updated_at = now() FROM living WHERE ending.id = living.id
"""  # noqa: S608 — constants of this module


_SPEND_CODES = _ending("oauth_grant", "used_at")
_SPEND_DEVICE_CODES = _ending("oauth_devicegrant", "used_at")
_REVOKE = _ending("oauth_refreshtoken", "revoked")
_GREW = """
SELECT EXISTS (SELECT FROM oauth_refreshtoken
 WHERE tenant_id = %(tenant)s AND token_family = ANY(%(families)s) AND revoked IS NULL)
"""


def revoke(families: Iterable[uuid.UUID]) -> int:
    """End families in the open tenant scope: codes, refresh tokens and the access tokens still alive.

    Returns how many refresh tokens this call ended, not counting those that another request ended meanwhile.
    """
    tenant_id = scope.require_tenant()
    parameters: dict[str, Any] = {"tenant": tenant_id, "families": list(families)}
    if not parameters["families"]:
        return 0
    with connection.cursor() as cursor:
        ended = _end(cursor, parameters)
        cursor.execute(_LIVE_ACCESS, parameters)
        deny(cursor.fetchall())
    return ended


def _end(cursor: Any, parameters: dict[str, Any]) -> int:
    """Repeat until nothing is left: a refresh that was waited for has added a link since the statement began."""
    ended, grew = 0, True
    while grew:
        cursor.execute(_SPEND_CODES, parameters)
        cursor.execute(_SPEND_DEVICE_CODES, parameters)
        cursor.execute(_REVOKE, parameters)
        ended += cursor.rowcount
        cursor.execute(_GREW, parameters)
        ((grew,),) = cursor.fetchall()
    return ended


def deny(tokens: Iterable[tuple[str, datetime]]) -> None:
    """Put access tokens, as (jti, expiry), on the short deny-list."""
    tenant_id = scope.require_tenant()
    rows = [RevokedToken(jti=jti, expires_at=expires) for jti, expires in sorted(tokens) if jti]
    if rows:
        RevokedToken.objects.bulk_create(rows, ignore_conflicts=True)
        livecache.invalidate("revoked_token", str(tenant_id), *(f"{tenant_id}:{row.jti}" for row in rows))


def reuse_detected(client: Client, family: uuid.UUID, member_id: uuid.UUID, kind: str) -> None:
    """End a family of which something came twice, and say so once (RFC 9700 §4.14.2)."""
    if not revoke([family]) and kind == "refresh_token":
        return  # a request beside this one ended it and has said so
    subject = Member.objects.values_list("subject", flat=True).get(id=member_id)
    emit(
        "token.reuse_detected",
        actor=Actor("service", client.client_id, via=client.client_id),
        object={
            "id": ids.encode("fam", family),
            "object": "token",
            "client_id": client.client_id,
            "member": subject,
            "kind": kind,
        },
    )


def revoke_all(
    *,
    reason: str,
    actor: Actor = SYSTEM,
    member_id: uuid.UUID | None = None,
    application_id: uuid.UUID | None = None,
) -> int:
    """End every living family of a member, of an application, or of the two together; returns how many."""
    where, values = _condition(member_id, application_id)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT token_family, application_id FROM oauth_refreshtoken WHERE {where} AND revoked IS NULL"  # noqa: S608 — constants
            f" AND expires > %(now)s UNION SELECT token_family, application_id FROM oauth_grant WHERE {where}"
            " AND (expires > %(now)s OR access_expires_at > %(now)s)"
            f" UNION SELECT token_family, application_id FROM oauth_devicegrant WHERE {where}"
            " AND status = 'approved' AND (expires > %(now)s OR access_expires_at > %(now)s)",
            {**values, "now": timezone.now()},
        )
        found = cursor.fetchall()
    revoke([family for family, _ in found])
    for family, application in found:
        emit("token.revoked", actor=actor, object=describe(family, application, reason))
    return len(found)


def _condition(member_id: uuid.UUID | None, application_id: uuid.UUID | None) -> tuple[str, dict[str, Any]]:
    """Build from constants only; values stay parameters."""
    assert member_id or application_id
    parts = ["tenant_id = %(tenant)s"]
    parts += ["member_id = %(member)s"] if member_id else []
    parts += ["application_id = %(application)s"] if application_id else []
    return " AND ".join(parts), {
        "tenant": scope.require_tenant(),
        "member": member_id,
        "application": application_id,
    }


def describe(family: uuid.UUID, application_id: uuid.UUID, reason: str) -> dict[str, Any]:
    return {
        "id": ids.encode("fam", family),
        "object": "token",
        "client_id": ids.encode("app", application_id),
        "reason": reason,
    }
