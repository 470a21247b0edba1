"""Sender-constrained tokens: what a token is bound to when it is issued, and the proof when it is used.

The binding is the claim `cnf` (RFC 7800): `jkt` for a DPoP key (RFC 9449 §6), `x5t#S256` for a client
certificate (RFC 8705 §3). A token without it costs nothing here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from core.errors import Problem, TokenInvalid
from core.token_binding import TokenBinding
from oauth import clients, dpop, mtls
from oauth.clients import Client
from oauth.errors import InvalidDPoPProof, InvalidRequest, UseDPoPNonce
from tenants.selectors import TenantRef

JKT, X5T = "jkt", "x5t#S256"
BEARER, DPOP = "bearer", "dpop"  # authentication schemes, compared without case (RFC 9110 §11.1)
Confirmation = Mapping[str, str]
CHALLENGE = 'DPoP realm="claviger", error="{error}", error_description="{why}", algs="{algs}"'


def at_token_endpoint(request: HttpRequest, tenant: TenantRef, client: Client | None) -> Confirmation:
    """Return what the tokens of this request are bound to; empty for plain bearer tokens.

    Raises InvalidDPoPProof, UseDPoPNonce, and InvalidRequest where the client's certificate is missing.
    """
    confirmation = {}
    if dpop.is_sent(request) or (client is not None and client.dpop_bound):
        confirmation[JKT] = proven_key(request, tenant, client)
    if client is not None and client.certificate_bound:
        certificate = mtls.presented(request)
        if certificate is None:
            raise InvalidRequest("Tokens of this client are bound to its certificate: present it.")
        confirmation[X5T] = certificate.thumbprint
    return confirmation


def proven_key(request: HttpRequest, tenant: TenantRef, client: Client | None) -> str:
    """Return the thumbprint of the key proved at an endpoint of clients (RFC 9449 §5, §10.1)."""
    if not dpop.sent(request):
        raise InvalidDPoPProof("Tokens of this client are bound to a key: send a DPoP proof.")
    try:
        return dpop.prove(request, tenant, client=client)
    except dpop.NonceNeeded as needed:
        raise UseDPoPNonce(headers={"DPoP-Nonce": needed.nonce}) from None
    except dpop.BadProof as bad:
        raise InvalidDPoPProof(str(bad)) from None


def text(confirmation: Confirmation | None) -> str:
    """Return a binding as it is stored with a refresh token."""
    return " ".join(f"{name}={value}" for name, value in sorted((confirmation or {}).items()))


def require(wanted: TokenBinding, confirmation: Confirmation | None) -> None:
    """Raise unless what the tokens are bound to is what their API resource asks of all its tokens.

    Raises InvalidDPoPProof, or InvalidRequest where only a certificate does.
    """
    if wanted.is_met_by(confirmation):
        return
    if wanted.takes_dpop:
        raise InvalidDPoPProof("This API takes tokens that are bound to a key only: send a DPoP proof.")
    raise InvalidRequest(
        "This API takes tokens that are bound to a client certificate only: present it, and let the application"
        " bind its tokens to it."
    )


# --- at a resource ----------------------------------------------------------------------------------------


class DPoPProofInvalid(Problem):
    code, status, simple = "dpop_proof_invalid", 401, "unauthorized"
    title = "The DPoP proof is not valid for this request"
    fix = "Make a new proof for each request, with its method, its address and the hash of the token."
    oauth_error = "invalid_dpop_proof"


class DPoPNonceRequired(Problem):
    code, status, simple = "dpop_nonce_required", 401, "unauthorized"
    title = "The DPoP proof needs a nonce"
    fix = "Use the nonce of the DPoP-Nonce header in a new proof."
    oauth_error = "use_dpop_nonce"


def at_resource(
    request: HttpRequest, tenant: TenantRef, scheme: str, token: str, claims: Mapping[str, Any]
) -> None:
    """Raise unless the request proves what its token is bound to (RFC 9449 §7.1, RFC 8705 §3).

    A bound token is never taken as a bearer token, and a bearer token never as a DPoP token (§7.2). Raises
    TokenInvalid, DPoPProofInvalid or DPoPNonceRequired.
    """
    cnf = claims.get("cnf")
    if cnf is None and scheme == BEARER:
        return
    bound = cnf if isinstance(cnf, dict) else {}
    if (scheme == DPOP) != (JKT in bound):
        why = "This token is bound to a key: use the scheme DPoP with a proof."
        raise _refused(TokenInvalid(why if JKT in bound else "This token is not bound to a DPoP key."))
    if JKT in bound:
        _check_key(request, tenant, token, claims, bound[JKT])
    if X5T in bound:
        _check_certificate(request, bound[X5T])


def _check_key(
    request: HttpRequest, tenant: TenantRef, token: str, claims: Mapping[str, Any], jkt: str
) -> None:
    client = clients.find(tenant, str(claims.get("client_id", "")))
    try:
        proven = dpop.prove(request, tenant, client=client, access_token=token)
    except dpop.NonceNeeded as needed:
        raise _refused(DPoPNonceRequired(headers={"DPoP-Nonce": needed.nonce})) from None
    except dpop.BadProof as bad:
        raise _refused(DPoPProofInvalid(str(bad))) from None
    if proven != jkt:
        raise _refused(TokenInvalid("The proof is of another key than the token is bound to."))


def _check_certificate(request: HttpRequest, thumbprint: str) -> None:
    certificate = mtls.presented(request)
    if certificate is None or certificate.thumbprint != thumbprint:
        raise TokenInvalid("The token is bound to another client certificate.")


def _refused(problem: Problem) -> Problem:
    """RFC 9449 §7.1: the challenge names the scheme DPoP and the algorithms."""
    error = getattr(problem, "oauth_error", "invalid_token")
    problem.challenge = CHALLENGE.format(error=error, why=problem.detail, algs=" ".join(dpop.OFFERED))
    return problem
