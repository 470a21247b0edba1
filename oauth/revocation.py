"""POST /oauth/revoke (RFC 7009): a client gives a token back."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import connection
from django.http import HttpRequest, HttpResponse

from core import ids, secrets
from core.errors import Problem
from core.principal import Actor
from events.services import emit
from oauth import clients, families
from oauth.client_auth import client_of
from oauth.clients import Client, in_tenant
from oauth.errors import InvalidRequest, UnauthorizedClient
from oauth.http import answer_json, cross_origin, form_of, machine, note_client, tenant_of
from oauth.member_tokens import REFRESH_PREFIX, REFRESH_PURPOSE
from tenants import bearer
from tenants.selectors import TenantRef

_FAMILY = """
SELECT token_family, application_id FROM oauth_refreshtoken
 WHERE tenant_id = %(tenant)s AND digest = ANY(%(digests)s)
"""


@cross_origin
@machine
def revoke(request: HttpRequest) -> HttpResponse:
    """§2.2: 200 also for tokens that are unknown or over. Another client's token is refused (§2.1, O13)."""
    tenant = tenant_of(request)
    parameters = form_of(request)
    note_client(request, clients.find(tenant, parameters.get("client_id", "")))
    client = client_of(request, tenant, parameters)
    note_client(request, client)
    token = parameters.get("token", "")
    if not token:
        raise InvalidRequest("token is missing.")
    if token.startswith(REFRESH_PREFIX):
        revoke_family(tenant, client, token)
    else:
        revoke_access_token(tenant, client, token)
    return answer_json({})


def revoke_family(tenant: TenantRef, client: Client, token: str) -> None:
    """End the refresh token's whole family and its access tokens (§2.1: SHOULD)."""
    if len(token) > 200:
        return
    digests = secrets.fingerprints(token, REFRESH_PURPOSE)
    with in_tenant(tenant.id):
        with connection.cursor() as cursor:
            cursor.execute(_FAMILY, {"tenant": tenant.id, "digests": digests})
            row = cursor.fetchone()
        if row is None:
            return
        if row[1] != client.id:
            raise UnauthorizedClient("This token was issued to another client.")
        families.revoke([row[0]])
        _record(client, ids.encode("fam", row[0]))


def revoke_access_token(tenant: TenantRef, client: Client, token: str) -> None:
    try:
        claims, issuer = bearer.read(token)
    except Problem:
        return
    if issuer.id != tenant.id:
        return
    if claims.get("client_id") != client.client_id:
        raise UnauthorizedClient("This token was issued to another client.")
    with in_tenant(tenant.id):
        families.deny([(claims["jti"], datetime.fromtimestamp(claims["exp"], UTC))])
        _record(client, claims["jti"])


def _record(client: Client, token_id: str) -> None:
    actor = Actor("service", client.client_id, via=client.client_id)
    what = {"id": token_id, "object": "token", "client_id": client.client_id, "reason": "client_request"}
    emit("token.revoked", actor=actor, object=what)
