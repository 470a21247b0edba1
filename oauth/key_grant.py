"""The extension grant that turns an API key into a token (RFC 6749 §4.5, KEY-05); the rule is apikeys'."""

from __future__ import annotations

from apikeys.exchange import exchange
from core.errors import Problem, RateLimitExceeded
from oauth import grants
from oauth.errors import InvalidDPoPProof, InvalidGrant, InvalidRequest, InvalidScope, InvalidTarget
from oauth.grants import Answer, TokenRequest

_ERRORS = {
    "token_binding_required": InvalidDPoPProof,
    "invalid_scope": InvalidScope,
    "invalid_target": InvalidTarget,
}


@grants.register(grants.API_KEY, needs_client=False)
def answer(request: TokenRequest) -> Answer:
    """Exchange an API key, as at `/v1/auth/token`; a refusal takes the form of RFC 6749 §5.2."""
    key = request.get("api_key")
    if not key:
        raise InvalidRequest("api_key is missing.")
    audience = request.get("audience") or request.get("resource") or None
    try:
        exchanged = exchange(
            key,
            scope=request.get("scope") or None,
            audience=audience,
            tenant=request.tenant,
            confirmation=request.confirmation,
        )
    except RateLimitExceeded:
        raise
    except Problem as problem:
        raise _ERRORS.get(problem.code, InvalidGrant)(problem.detail) from None
    return exchanged.document()
