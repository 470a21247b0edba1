"""DPoP (RFC 9449): a proof that whoever sends a request holds the key that its token is bound to (threat T4).

A proof is for one method and address, fresh, and accepted once: its `jti` is a row, because a second sight
of it must be refused whatever becomes of a cache. Addresses are compared with the configured origin, never
with the Host header.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.db import connection
from django.http import HttpRequest

from core import ids, jose, scope, secrets
from core.urls import tenant_slug
from oauth import mtls
from oauth.clients import Client, in_tenant
from tenants import selectors
from tenants.selectors import TenantRef

ALGORITHMS = ("ES256", "PS256", "EdDSA")
OFFERED = (*ALGORITHMS, "Ed25519")  # the newer name of EdDSA with our keys (RFC 9864 §2.2)
TYPE = "dpop+jwt"
LONGEST = 8192  # characters of a proof
AGE = 60  # seconds that a proof is good for
LONGEST_JTI = 256
NONCE_PURPOSE, NONCE_STEP = "dpop_nonce", 120  # seconds; the nonce before the present one is taken too
PORTS = {"http": 80, "https": 443}
_SPEND = """
INSERT INTO oauth_dpopproof (id, created_at, updated_at, tenant_id, jti, expires_at)
VALUES (%s, now(), now(), %s, %s, %s) ON CONFLICT DO NOTHING
"""


class BadProof(Exception):
    """Why a proof was refused, in a sentence for the developer. The two doors answer it each in its form."""


class NonceNeeded(BadProof):
    """The proof needs the nonce that goes with the answer (§8)."""

    def __init__(self, nonce: str) -> None:
        super().__init__("Use the nonce of the DPoP-Nonce header in a new proof.")
        self.nonce = nonce


@dataclass(frozen=True)
class Proof:
    """A proof that verified; `jkt` is the RFC 7638 thumbprint of its key."""

    jkt: str
    claims: Mapping[str, Any]


def sent(request: HttpRequest) -> str:
    """Return the proof of a request, empty for none. Two headers come joined by a comma, which no proof has."""
    return request.headers.get("DPoP", "")


def is_sent(request: HttpRequest) -> bool:
    """Whether there is a proof, if only an empty one: whoever sends the header means to bind the token."""
    return "DPoP" in request.headers


def prove(request: HttpRequest, tenant: TenantRef, *, client: Client | None, access_token: str = "") -> str:
    """Return the thumbprint of the key that the request proves to hold. Raises BadProof or NonceNeeded.

    The proof is spent with this. `access_token` is the one that goes with it at a resource (`ath`, §7).
    """
    proof = read(sent(request))
    _check_request(proof.claims, request)
    if access_token and not _same(proof.claims.get("ath"), token_hash(access_token)):
        raise BadProof("ath is not the hash of the access token.")
    with in_tenant(tenant.id):
        _check_nonce(proof.claims, tenant, client)
        _spend(proof)
    return proof.jkt


def read(text: str) -> Proof:
    """Return a proof whose signature, type and times are right (§4.3, items 2 to 7 and 11)."""
    try:
        header = jose.unverified_header(text, LONGEST)
        key, jkt = _key(header)
        claims = jose.verify(text, [key], typ=TYPE, algs=ALGORITHMS, max_bytes=LONGEST)
        jose.check_times(claims, required=("iat",))
    except jose.TokenError:
        raise BadProof("The DPoP proof is malformed, its key is unfit, or its signature is wrong.") from None
    if claims["iat"] + AGE < time.time():
        raise BadProof(f"The DPoP proof is older than {AGE} seconds.")
    if not isinstance(claims.get("jti"), str) or not 0 < len(claims["jti"]) <= LONGEST_JTI:
        raise BadProof(f"The DPoP proof needs a jti of at most {LONGEST_JTI} characters.")
    return Proof(jkt, claims)


def _key(header: Mapping[str, Any]) -> tuple[jose.VerifyingKey, str]:
    """Return the key inside the header; what `kid` says of it decides nothing."""
    jwk, alg = header.get("jwk"), header.get("alg")
    if not isinstance(jwk, dict) or alg not in OFFERED:
        raise jose.TokenError("bad_key")
    key, jkt = _parsed(json.dumps(jwk, sort_keys=True), jose.RENAMED.get(alg, alg))
    return replace(key, kid=header.get("kid")), jkt


@lru_cache(maxsize=4096)
def _parsed(jwk: str, alg: str) -> tuple[jose.VerifyingKey, str]:
    """A client makes a proof for each request with the same key: it is parsed once."""
    key = jose.verifying_key(json.loads(jwk), alg)
    return key, jose.thumbprint(key)


def _check_request(claims: Mapping[str, Any], request: HttpRequest) -> None:
    """§4.3, items 8 and 9: this method and this address, query and fragment left aside."""
    if claims.get("htm") != request.method:
        raise BadProof("htm is not the method of this request.")
    if not isinstance(claims.get("htu"), str) or _place(claims["htu"]) != _place(address(request)):
        raise BadProof("htu is not the address of this request.")


def address(request: HttpRequest) -> str:
    """Return the address of a request under a configured origin, without its query."""
    slug = tenant_slug(request)
    path = request.get_full_path().partition("?")[0]
    origin = settings.MTLS_ORIGIN if mtls.is_alias(request) else settings.ORIGIN
    return origin + (f"/t/{slug}" if slug else "") + path


def _place(uri: str) -> tuple[str, str, int | None, str] | None:
    """Take an address apart for comparison as RFC 3986 §6.2.2 and §6.2.3 say; None for a malformed one."""
    try:
        parts = urlsplit(uri)
        port = parts.port or PORTS.get(parts.scheme)
    except ValueError:
        return None
    return parts.scheme, parts.hostname or "", port, unquote(parts.path) or "/"


def token_hash(access_token: str) -> str:
    """`ath`: the base64url of the token's SHA-256 (§4.2)."""
    digest = hashlib.sha256(access_token.encode("utf-8", "replace")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _same(given: Any, wanted: str) -> bool:
    return isinstance(given, str) and hmac.compare_digest(given.encode(), wanted.encode())


def _spend(proof: Proof) -> None:
    """Remember key and jti; of two requests with the same ones the second finds the row (§11.1)."""
    digest = hashlib.sha256(f"{proof.jkt} {proof.claims['jti']}".encode("utf-8", "replace")).hexdigest()
    expires = datetime.fromtimestamp(proof.claims["iat"] + AGE + jose.AHEAD, UTC)
    with connection.cursor() as cursor:
        cursor.execute(_SPEND, [ids.uuid7(), scope.require_tenant(), digest, expires])
        if cursor.rowcount == 0:
            raise BadProof("This DPoP proof was used before. Make a new one for each request.")


# --- nonces (§8, §9) --------------------------------------------------------------------------------------


def wants_nonce(client: Client | None) -> bool:
    """Whether the client, or the tenant of the open scope, demands a nonce of ours in each proof."""
    return bool(client and client.dpop_nonce_required) or selectors.policy().dpop_nonce_required


def _check_nonce(claims: Mapping[str, Any], tenant: TenantRef, client: Client | None) -> None:
    given = claims.get("nonce")
    if given is None and not wants_nonce(client):
        return
    if not isinstance(given, str) or not any(_same(given, known) for known in _nonces(tenant)):
        raise NonceNeeded(nonce(tenant))


def nonce(tenant: TenantRef) -> str:
    """Return the nonce of this moment: no row, a digest of tenant and time under our own key."""
    return secrets.fingerprint(_moment(tenant, 0), NONCE_PURPOSE).partition("$")[2][:32]


def _nonces(tenant: TenantRef) -> list[str]:
    """Return what is taken now: of this step and the one before, under any key that we still know."""
    moments = [_moment(tenant, step) for step in (0, 1)]
    found = [digest for moment in moments for digest in secrets.fingerprints(moment, NONCE_PURPOSE)]
    return [digest.partition("$")[2][:32] for digest in found]


def _moment(tenant: TenantRef, steps_ago: int) -> str:
    return f"{settings.ORIGIN} {tenant.id} {int(time.time()) // NONCE_STEP - steps_ago}"
