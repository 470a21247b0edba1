"""OAuth errors, declared once and refined with a sentence (RFC 6749 §4.1.2.1 and §5.2, OIDC Core §3.1.2.6).

They never become problem documents: OAuth endpoints answer in the standard's own shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class OAuthError(Exception):
    """`error` is the contract; the description is for the developer who reads a log."""

    error: ClassVar[str] = "server_error"
    status: ClassVar[int] = 400
    description: ClassVar[str] = "Something went wrong on our side."

    def __init__(self, description: str = "", *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(description or self.description)
        self.detail = description or self.description
        self.headers = dict(headers or {})


class InvalidRequest(OAuthError):
    error = "invalid_request"
    description = "A parameter is missing, repeated or malformed."


class WrongMethod(InvalidRequest):
    """RFC 9110 §15.5.6, in the shape of OAuth; `methods` are those of the Allow header."""

    status = 405

    def __init__(self, *methods: str) -> None:
        allowed = ", ".join(methods)
        super().__init__(f"Use {' or '.join(methods)} at this address.", headers={"Allow": allowed})


class InvalidClient(OAuthError):
    error, status = "invalid_client", 401
    description = "The client is unknown or did not prove itself by its registered method."


class InvalidGrant(OAuthError):
    error = "invalid_grant"
    description = "The code or refresh token is invalid, expired, used, revoked or meant for another client."


class UnauthorizedClient(OAuthError):
    error = "unauthorized_client"
    description = "This client may not use this grant."


class UnsupportedGrantType(OAuthError):
    error = "unsupported_grant_type"
    description = "This grant type is not offered here. Discovery lists those that are."


class InvalidScope(OAuthError):
    error = "invalid_scope"
    description = "A scope is unknown or not allowed to this client."


class InvalidTarget(OAuthError):
    error = "invalid_target"  # RFC 8707 §2
    description = "The resource is unknown or not allowed to this client."


class AccessDenied(OAuthError):
    error = "access_denied"
    description = "The request was refused."


class AuthorizationPending(OAuthError):
    error = "authorization_pending"  # RFC 8628 §3.5
    description = "The person has not decided yet. Ask again after the interval."


class SlowDown(OAuthError):
    error = "slow_down"
    description = "Asked too soon. From now on wait five seconds longer between two polls."


class ExpiredToken(OAuthError):
    error = "expired_token"
    description = "The device code has run out. Start again."


class OrganizationDenied(AccessDenied):
    status = 403
    description = "The organization is unknown, or the person does not belong to it."


class InteractionRequired(OAuthError):
    error = "interaction_required"
    description = (
        "The organization asks for a newer sign-in: send the person to the authorization endpoint with"
        " organization in the request."
    )


class LoginRequired(OAuthError):
    error = "login_required"
    description = "The person is not signed in, or has to sign in again."


class ConsentRequired(OAuthError):
    error = "consent_required"
    description = "The person has not allowed this client all of these scopes."


class UnsupportedResponseType(OAuthError):
    error = "unsupported_response_type"
    description = "Only response_type=code is offered here."


class InvalidDPoPProof(OAuthError):
    error = "invalid_dpop_proof"  # RFC 9449 §5
    description = "The DPoP proof is missing, invalid, too old or used before."


class UseDPoPNonce(OAuthError):
    error = "use_dpop_nonce"  # RFC 9449 §8
    description = "Use the nonce of the DPoP-Nonce header in a new proof."


class RateLimited(OAuthError):
    """RFC 6749 §5.2 names no word for this; the one of §4.1.2.1, with Retry-After (RFC 6585 §4)."""

    error, status = "temporarily_unavailable", 429
    description = "Too many requests. Wait for the number of seconds in Retry-After."


class InvalidRedirectUri(OAuthError):
    error = "invalid_redirect_uri"  # RFC 7591 §3.2.2
    description = "A redirect URI cannot be registered."


class InvalidClientMetadata(OAuthError):
    error = "invalid_client_metadata"  # RFC 7591 §3.2.2
    description = "A member of the client metadata cannot be registered."


class InvalidToken(OAuthError):
    error, status = "invalid_token", 401  # RFC 6750 §3.1
    description = "The token is missing, unknown, expired, revoked, used up or meant for something else."


class InvalidRequestObject(OAuthError):
    error = "invalid_request_object"  # RFC 9101 §7
    description = "The request object is not a JWT that this client signed for us."


class InvalidRequestUri(OAuthError):
    error = "invalid_request_uri"  # RFC 9101 §7
    description = "The request_uri is unknown, used, expired or another client's."


class RequestUriNotSupported(OAuthError):
    error = "request_uri_not_supported"  # OIDC Core §3.1.2.6
    description = "Only a request_uri of our own pushed authorization requests is taken."


class UnmetAuthenticationRequirements(OAuthError):
    error = "unmet_authentication_requirements"  # of the OpenID specification of that name
    description = "The person cannot sign in at the level that the request demands."
