"""Client credentials (RFC 6749 §4.4): a client acts for itself and gets a service token (OAU-08)."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.db import connection

from core.principal import Actor
from events import groups
from oauth import catalogue, claim_sources, grants, issuing
from oauth.catalogue import IDENTITY_SCOPES, Target
from oauth.clients import Client, in_tenant
from oauth.errors import InvalidScope, UnauthorizedClient
from oauth.grants import Answer, TokenRequest
from tenants.selectors import TenantRef

STAMP_EVERY = 60  # seconds between two marks of last use, per process
_stamped: dict[str, float] = {}


def decide(tenant: TenantRef, client: Client, scope: str, resource: str) -> Target:
    """Return what the client gets for itself: the scopes asked, or all of its resource when it asks none.

    Raises UnauthorizedClient, InvalidScope and InvalidTarget.
    """
    if client.is_public or not client.allows_grant(grants.CLIENT_CREDENTIALS):
        raise UnauthorizedClient
    asked = catalogue.parse_scope(scope) or catalogue.service_scopes(tenant, client, resource)
    if personal := [word for word in asked if word in IDENTITY_SCOPES]:
        raise InvalidScope(f"{personal[0]} is about a person, and this grant has none.")
    return catalogue.target(tenant, client, asked, resource)


@grants.register(grants.CLIENT_CREDENTIALS)
def answer(request: TokenRequest) -> Answer:
    client = request.caller
    target = decide(request.tenant, client, request.get("scope"), request.get("resource"))
    with _scope_for(request.tenant, client, target):
        minted = issuing.access_token_of_service(request.tenant, client, target, request.confirmation)
    if is_stamp_due(client):
        with in_tenant(request.tenant.id):
            stamp(client)
    actor = Actor("service", client.client_id, via=client.client_id)
    issued = issuing.issue_of(
        "token.issued", minted, client=client, grant_type=request.grant_type, actor=actor
    )
    groups.record(request.tenant.id, issued)
    return issuing.answer(minted, target)


def _scope_for(tenant: TenantRef, client: Client, target: Target) -> AbstractContextManager[Any]:
    """Only mapped claims read rows; without them a token is made of what the process remembers."""
    return in_tenant(tenant.id) if claim_sources.rules(tenant, client, target.audience) else nullcontext()


def is_stamp_due(client: Client) -> bool:
    last = _stamped.get(f"{client.tenant_id}:{client.client_id}", -STAMP_EVERY)
    return last <= time.monotonic() - STAMP_EVERY


def stamp(client: Client) -> None:
    """Note when the client was last used: rarely, and never waiting for somebody who is doing the same."""
    if not is_stamp_due(client):
        return
    now = time.monotonic()
    key = f"{client.tenant_id}:{client.client_id}"
    if len(_stamped) > 50_000:
        _stamped.clear()
    _stamped[key] = now
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE oauth_application SET last_used_at = now() WHERE id ="
            " (SELECT id FROM oauth_application WHERE id = %s FOR UPDATE SKIP LOCKED)",
            [client.id],
        )
