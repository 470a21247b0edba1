"""Pushed authorization requests: kept by us, named to the browser by a reference (RFC 9126, threat O7).

A reference is spent when it comes to an answer, not when it is first shown: a reload, or a sign-in that
takes its time, must not lose the request (FAPI 2.0 Security Profile §5.3.2.2, note).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from core import crypto, scope, secrets
from oauth.clients import Client, in_tenant
from oauth.errors import InvalidRequestUri
from oauth.models import PushedRequest

PREFIX = "urn:ietf:params:oauth:request_uri:"
PURPOSE = "pushed_request"
LIFETIME = 90  # seconds within which it must be started
LONGEST = 3600  # seconds more for one that was started in time

# One statement decides which of two answers is given (threat O7).
_SPEND = """
UPDATE oauth_pushedrequest SET used_at = now(), updated_at = now()
 WHERE tenant_id = %s AND id = %s AND used_at IS NULL RETURNING id
"""


@dataclass(frozen=True)
class Pushed:
    id: uuid.UUID
    parameters: Mapping[str, str]


def store(client: Client, parameters: Mapping[str, str]) -> str:
    """Keep a checked request of the client and return its `request_uri`."""
    reference = secrets.new_token()
    with in_tenant(client.tenant_id):
        row = PushedRequest(
            application_id=client.id,
            digest=secrets.fingerprint(reference, PURPOSE),
            expires_at=timezone.now() + timedelta(seconds=LIFETIME),
        )
        row.sealed = crypto.seal_json(dict(parameters), _place(row))
        row.save(force_insert=True)
    return PREFIX + reference


def load(client: Client, request_uri: str, *, is_started: bool) -> Pushed:
    """Return the client's unspent request. Raises InvalidRequestUri.

    `is_started` says that we sent the browser on with this very request before.
    """
    reference = request_uri.removeprefix(PREFIX)
    grace = timedelta(seconds=LONGEST if is_started else 0)
    with in_tenant(client.tenant_id):
        row = PushedRequest.objects.filter(
            application_id=client.id,
            digest__in=secrets.fingerprints(reference, PURPOSE),
            used_at=None,
            expires_at__gt=timezone.now() - grace,
        ).first()
    if row is None or len(reference) > 200:
        raise InvalidRequestUri
    return Pushed(row.id, crypto.open_sealed_json(bytes(row.sealed), _place(row)))


def spend(pushed_id: uuid.UUID) -> None:
    """Use up a request in the open tenant scope, once. Raises InvalidRequestUri."""
    with connection.cursor() as cursor:
        cursor.execute(_SPEND, [scope.require_tenant(), pushed_id])
        if cursor.fetchone() is None:
            raise InvalidRequestUri


def _place(row: PushedRequest) -> tuple[str, ...]:
    return (str(row.tenant_id), "oauth_pushedrequest", "sealed", str(row.id))
