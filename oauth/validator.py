"""The toolkit's request validator over our clients; oauthlib drives it through an authorization request."""

from __future__ import annotations

from typing import Any

from oauth2_provider.oauth2_validators import OAuth2Validator
from oauthlib.oauth2.rfc6749 import errors
from oauthlib.oauth2.rfc6749.grant_types import AuthorizationCodeGrant
from oauthlib.oauth2.rfc6749.grant_types.authorization_code import code_challenge_method_s256

from oauth import catalogue, clients, redirects
from oauth.errors import OAuthError
from oauth.grants import AUTHORIZATION_CODE


class Validator(OAuth2Validator):
    """`request.tenant` is set by whoever starts the validation; `request.client` becomes our snapshot."""

    def validate_client_id(self, client_id: str, request: Any, *args: Any, **kwargs: Any) -> bool:
        request.client = clients.live(request.tenant, client_id)
        return request.client is not None

    def validate_redirect_uri(
        self, client_id: str, redirect_uri: str, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        return redirects.is_registered(request.client, redirect_uri)

    def get_default_redirect_uri(self, client_id: str, request: Any, *args: Any, **kwargs: Any) -> str | None:
        """Only where it is the only one (RFC 6749 §3.1.2.3)."""
        known = request.client.redirect_uris
        return known[0] if len(known) == 1 else None

    def validate_response_type(
        self, client_id: str, response_type: str, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        if response_type != "code":
            raise errors.UnsupportedResponseTypeError(request=request)
        return bool(client.allows_grant(AUTHORIZATION_CODE))

    def is_pkce_required(self, client_id: str, request: Any) -> bool:
        return True

    def get_default_scopes(self, client_id: str, request: Any, *args: Any, **kwargs: Any) -> list[str]:
        return []

    def validate_scopes(
        self, client_id: str, scopes: list[str], client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Note what the scopes come to in `request.target`; raises our own errors with their sentences."""
        words = catalogue.parse_scope(request.scope or "")
        if not words:
            raise errors.InvalidScopeError("Name the scopes that you need.", request=request)
        try:
            request.target = catalogue.target(request.tenant, client, words, getattr(request, "resource", ""))
        except OAuthError as error:
            raise errors.CustomOAuth2Error(error.error, error.detail, request=request) from None
        return True


class CodeGrant(AuthorizationCodeGrant):
    """The code grant with S256 as its only challenge method (RFC 7636 §4.2, RFC 9700 §2.1.1)."""

    _code_challenge_methods = {"S256": code_challenge_method_s256}


grant = CodeGrant(Validator())
