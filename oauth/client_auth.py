"""Who calls the token endpoint: none, secret basic or post, private_key_jwt, or a certificate.

RFC 6749 §2.3, RFC 7523 §2.2, RFC 8705 §2.

Only the registered method counts, one method in a request (threat O8). Secrets are compared as one keyed
digest; a slow hash would cost 235 ms and protect nothing, because secrets carry 256 random bits.
"""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

from django.db import connection
from django.http import HttpRequest

from core import ids, jose, secrets
from oauth import client_keys, clients, fapi, mtls
from oauth.clients import Client, in_tenant
from oauth.errors import InvalidClient, InvalidRequest
from oauth.models import AuthMethod
from oauth.mtls import Certificate
from tenants.selectors import TenantRef

SECRET_PURPOSE = "client_secret"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_JWT = "client-authentication+jwt"  # the type that draft-ietf-oauth-rfc7523bis gives them
ASSERTION_LONGEST = 600  # seconds that an assertion may still be good for
_SPEND = """
INSERT INTO oauth_clientassertion (id, created_at, updated_at, tenant_id, application_id, jti, expires_at)
VALUES (%s, now(), now(), %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""


def client_of(request: HttpRequest, tenant: TenantRef, parameters: Mapping[str, str]) -> Client:
    """Return the client that a request proves by its header, its parameters or its certificate.

    Raises as `authenticate`.
    """
    header = request.headers.get("Authorization", "")
    return authenticate(tenant, header, parameters, certificate=mtls.presented(request))


def authenticate(
    tenant: TenantRef,
    authorization: str,
    parameters: Mapping[str, str],
    *,
    certificate: Certificate | None = None,
) -> Client:
    """Return the client that this request proves.

    `authorization` is the header's value, or empty. Raises InvalidClient, the same for an unknown, a disabled
    and an unproven client, and InvalidRequest for two methods at once. No scope may be open: keys of clients
    may have to be fetched.
    """
    method, client_id, proof = _presented(authorization, parameters)
    client = clients.admitted(tenant, client_id)
    if client is None:
        raise InvalidClient
    if method == AuthMethod.NONE and mtls.proves(client, certificate):
        return client
    if client.auth_method != method:
        raise InvalidClient
    if method == AuthMethod.PRIVATE_KEY_JWT:
        check_assertion(tenant, client, proof)
    elif method != AuthMethod.NONE:
        check_secret(client, proof)
    return client


def _presented(authorization: str, parameters: Mapping[str, str]) -> tuple[str, str, str]:
    """Return (method, client id, proof)."""
    by_header = authorization[:6].lower() == "basic "
    by_body = "client_secret" in parameters
    by_assertion = "client_assertion" in parameters or "client_assertion_type" in parameters
    if by_header + by_body + by_assertion > 1:
        raise InvalidRequest("Use one way of client authentication in a request.")
    named = parameters.get("client_id", "")
    if by_header:
        client_id, proof = read_basic(authorization[6:])
        if named and named != client_id:
            raise InvalidRequest("client_id differs from the client in the Authorization header.")
        return AuthMethod.BASIC, client_id, proof
    if by_assertion:
        return AuthMethod.PRIVATE_KEY_JWT, *_assertion(parameters, named)
    if not named:
        raise InvalidClient
    return (AuthMethod.POST, named, parameters["client_secret"]) if by_body else (AuthMethod.NONE, named, "")


def read_basic(credentials: str) -> tuple[str, str]:
    """Return id and secret; both are form-encoded first (RFC 6749 §2.3.1). Raises InvalidClient."""
    try:
        text = base64.b64decode(credentials.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        raise InvalidClient from None
    client_id, colon, secret = text.partition(":")
    if not colon:
        raise InvalidClient
    return unquote_plus(client_id), unquote_plus(secret)


def check_secret(client: Client, secret: str) -> None:
    now = datetime.now(UTC)
    live = [digest for digest, until in client.secrets if until is None or until > now]
    if not secret or not any(secrets.matches(secret, digest, SECRET_PURPOSE) for digest in live):
        raise InvalidClient


def _assertion(parameters: Mapping[str, str], named: str) -> tuple[str, str]:
    assertion = parameters.get("client_assertion", "")
    if parameters.get("client_assertion_type") != ASSERTION_TYPE or not assertion:
        raise InvalidClient(f"client_assertion_type must be {ASSERTION_TYPE}.")
    try:
        subject = jose.unverified_claims(assertion).get("sub")
    except jose.TokenError:
        raise InvalidClient from None
    if not isinstance(subject, str) or (named and named != subject):
        raise InvalidClient
    return subject, assertion


def check_assertion(tenant: TenantRef, client: Client, assertion: str) -> None:
    """Check a client assertion: its keys, iss = sub = client, aud = our issuer as one string, jti once."""
    try:
        claims = _read(client, assertion)
    except jose.TokenError:
        raise InvalidClient from None
    if claims.get("iss") != client.client_id or claims.get("sub") != client.client_id:
        raise InvalidClient
    if claims.get("aud") != tenant.issuer:
        raise InvalidClient("The assertion's aud must be the issuer, as one string.")
    if claims["exp"] > time.time() + ASSERTION_LONGEST:
        raise InvalidClient(f"The assertion may be good for at most {ASSERTION_LONGEST} seconds.")
    _spend(client, claims)


def _read(client: Client, assertion: str) -> dict[str, Any]:
    """Return the claims of an assertion that the client signed. Raises jose.TokenError."""
    own_type = jose.unverified_header(assertion).get("typ") == ASSERTION_JWT
    algs = (client.assertion_alg,) if client.assertion_alg else fapi.algorithms(client)
    claims = client_keys.verify(client, assertion, typ=ASSERTION_JWT if own_type else None, algs=algs)
    jose.check_times(claims)
    return claims


def _spend(client: Client, claims: Mapping[str, Any]) -> None:
    """Remember the jti; of two requests with the same one the second finds the row: one statement decides."""
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= 256:
        raise InvalidClient("The assertion needs a jti of at most 256 characters.")
    digest = secrets.fingerprint(jti, "client_assertion")
    expires = datetime.fromtimestamp(claims["exp"], UTC)
    with in_tenant(client.tenant_id), connection.cursor() as cursor:
        cursor.execute(_SPEND, [ids.uuid7(), client.tenant_id, client.id, digest, expires])
        stored = cursor.rowcount == 1
    if not stored:
        raise InvalidClient("The assertion was used before.")
