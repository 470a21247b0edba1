"""The FAPI 2.0 security profile (Final, §5.3.2) as a setting of an application: what it implies and demands.

The profile sets what an administrator would otherwise have to set piece by piece, and refuses what would
undo it. The endpoints ask `client.is_fapi` for the rest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from core.errors import FieldError
from oauth.clients import ASSERTION_ALGORITHMS, Client
from oauth.errors import InvalidRequest
from oauth.models import Application, AuthMethod, Profile

ALGORITHMS = ("PS256", "ES256", "EdDSA")  # §5.4.1
SIGNED = (
    "id_token_signed_response_alg", "userinfo_signed_response_alg", "introspection_signed_response_alg",
)  # fmt: skip
METHODS = (AuthMethod.PRIVATE_KEY_JWT, AuthMethod.TLS_CLIENT_AUTH, AuthMethod.SELF_SIGNED_TLS)


def settle(application: Application, given: Collection[str]) -> None:
    """Set what the profile implies and `given` (the names that the caller sets) leaves open.

    Tokens are bound to a DPoP key unless to a certificate (§5.3.2.1), and refresh tokens do not rotate.
    """
    if application.profile != Profile.FAPI2:
        return
    if not application.tls_client_certificate_bound_access_tokens:
        application.dpop_bound_access_tokens = True
    if "profile" in given and "rotate_refresh_tokens" not in given:
        application.rotate_refresh_tokens = False


def faults(application: Application) -> Iterable[FieldError]:
    """Yield what the profile does not allow."""
    if application.profile != Profile.FAPI2:
        return
    if application.auth_method not in METHODS:
        methods = ", ".join(METHODS)
        yield FieldError("/auth_method", "not_allowed", f"The FAPI 2.0 profile takes {methods}.")
    for index, uri in enumerate(application.redirect_uris.split()):
        if not uri.startswith("https://"):
            yield FieldError(f"/redirect_uris/{index}", "invalid", "The FAPI 2.0 profile takes https only.")
    for index, key in enumerate((application.jwks or {}).get("keys", [])):
        if isinstance(key, dict) and key.get("alg", ALGORITHMS[0]) not in ALGORITHMS:
            names = ", ".join(ALGORITHMS)
            yield FieldError(f"/jwks/keys/{index}/alg", "not_allowed", f"The FAPI 2.0 profile takes {names}.")
    for name in SIGNED:
        if getattr(application, name) not in ("", *ALGORITHMS):
            names = ", ".join(ALGORITHMS)
            yield FieldError(f"/{name}", "not_allowed", f"The FAPI 2.0 profile takes {names}.")


def algorithms(client: Client) -> tuple[str, ...]:
    """Return what the client may sign its assertions and request objects with (§5.4.1)."""
    return ALGORITHMS if client.is_fapi else ASSERTION_ALGORITHMS


def check_request(client: Client, values: Mapping[str, str]) -> None:
    """Raise InvalidRequest for an authorization request that names no redirect_uri (§5.3.2.2 item 6)."""
    if client.is_fapi and "redirect_uri" not in values:
        raise InvalidRequest("redirect_uri is missing.")
