"""POST /oauth/introspect (RFC 7662): is this token good now, and what is it for."""

from __future__ import annotations

import time
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse

from core import jose, secrets
from core.errors import Problem, WrongTokenType
from oauth import bearers, issuing, resource_policy, standing
from oauth.client_auth import client_of
from oauth.clients import Client, in_tenant
from oauth.errors import InvalidClient, InvalidRequest
from oauth.http import NO_STORE, answer_json, form_of, machine, tenant_of
from oauth.member_tokens import REFRESH_PREFIX, REFRESH_PURPOSE
from oauth.standing import SignIn
from tenants import keys
from tenants.selectors import TenantRef

SIGNED_TYPE = "application/token-introspection+jwt"
INACTIVE: dict[str, Any] = {"active": False}
_REFRESH = """
SELECT member_id, session_id, organization_id, scope, audience, ends_with_session, acr, amr, auth_time,
       extract(epoch FROM expires)::bigint, extract(epoch FROM created_at)::bigint
  FROM oauth_refreshtoken
 WHERE tenant_id = %(tenant)s AND digest = ANY(%(digests)s) AND application_id = %(application)s
   AND used_at IS NULL AND revoked IS NULL AND expires > now()
"""


@machine
def introspect(request: HttpRequest) -> HttpResponse:
    """Only clients that prove themselves may ask (§2.1); what they may not know is inactive (§2.2, O13)."""
    tenant = tenant_of(request)
    parameters = form_of(request)
    client = client_of(request, tenant, parameters)
    if client.is_public:
        raise InvalidClient("Introspection needs a client that can prove itself.")
    token = parameters.get("token", "")
    if not token:
        raise InvalidRequest("token is missing.")
    answer = describe(tenant, client, token)
    wanted = SIGNED_TYPE in request.headers.get("Accept", "")
    if wanted or client.introspection_alg:
        return _signed(tenant, client, answer)
    return answer_json(answer)


def _signed(tenant: TenantRef, client: Client, answer: dict[str, Any]) -> HttpResponse:
    """As a JWT that the resource server can keep as proof (RFC 9701 §5); it has neither sub nor exp."""
    claims = {
        "iss": tenant.issuer,
        "aud": client.client_id,
        "iat": int(time.time()),
        "token_introspection": answer,
    }
    key = keys.active_key(tenant.id, client.introspection_alg or keys.DEFAULT_ALGORITHM)
    token = jose.sign(claims, key, "token-introspection+jwt")
    return HttpResponse(token, content_type=SIGNED_TYPE, headers=NO_STORE)


def describe(tenant: TenantRef, client: Client, token: str) -> dict[str, Any]:
    """Return the answer of §2.2: all claims of a living token of this client, or only that it is inactive."""
    if token.startswith(REFRESH_PREFIX):
        return _refresh_token(tenant, client, token)
    try:
        claims = bearers.verify(token, tenant).claims
    except WrongTokenType:
        return resource_policy.id_token(tenant, client, token)
    except Problem:
        return INACTIVE
    own = claims.get("client_id") == client.client_id
    if not own and claims.get("aud") not in client.introspection_audiences:
        return INACTIVE
    if own:
        return {"active": True, "token_type": issuing.token_type(claims), **claims}
    verdict = resource_policy.judge(tenant, claims)
    if not verdict["active"]:
        return verdict
    return {"token_type": issuing.token_type(claims), **claims, **verdict}


def _refresh_token(tenant: TenantRef, client: Client, token: str) -> dict[str, Any]:
    if len(token) > 200:
        return INACTIVE
    digests = secrets.fingerprints(token, REFRESH_PURPOSE)
    with in_tenant(tenant.id), connection.cursor() as cursor:
        cursor.execute(_REFRESH, {"tenant": tenant.id, "digests": digests, "application": client.id})
        row = cursor.fetchone()
        now = _standing(row) if row else None
    if now is None:
        return INACTIVE
    return {
        "active": True,
        "token_type": "refresh_token",
        "iss": tenant.issuer,
        "client_id": client.client_id,
        "sub": now.subject,
        "scope": row[3],
        "aud": row[4],
        "exp": row[9],
        "iat": row[10],
    }


def _standing(row: Any) -> Any:
    seen = SignIn(row[6], tuple(standing.from_json(row[7])), row[8])
    return standing.load(row[0], row[1], row[2], seen, ends_with_session=row[5])
