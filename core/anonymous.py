"""The one list of routes that need no credential (AZ-13); a test walks all routes and holds them to it.

Pages that people sign in with are under `HOSTED`: they do not answer 401 but show a form, or send the
person to one.
"""

from __future__ import annotations

MACHINES = {
    "health": "liveness",
    "ready": "readiness",
    "metrics": "answers 404 without the operators' own token",
    "v1/openapi.json": "the API's description",
    "v1/auth/token": "the API key in the body is the credential",
    ".well-known/openid-configuration": "OpenID Connect Discovery 1.0",
    ".well-known/oauth-authorization-server": "RFC 8414",
    ".well-known/oauth-authorization-server/t/<slug:slug>": "RFC 8414 §3.1, path-inserted",
    ".well-known/openid-configuration/t/<slug:slug>": "RFC 8414 §5, as clients try it",
    ".well-known/jwks.json": "RFC 7517",
    ".well-known/oauth-protected-resource/t/<slug:slug>/<path:below>": "RFC 9728 §3.1",
    "resources/<str:resource>/.well-known/oauth-protected-resource": "RFC 9728, the hosted copy",
    "schemas/events/<str:name>/<int:version>": "JSON Schemas of events",
}
# The client proves itself by its own credential, in the forms of RFC 6749 §2.3; refusals are OAuth errors.
CLIENTS = {
    "oauth/par",
    "oauth/token",
    "oauth/revoke",
    "oauth/introspect",
    "oauth/userinfo",
    "oauth/device/code",
    "oauth/register",
    "oauth/register/<str:client_id>",
    "oauth2/token",
    "oauth2/userInfo",
    "oauth2/revoke",
}
HOSTED = (
    "errors/", "sign-", "signed-out", "verify", "recovery", "organization", "suspended", "invitation",
    "oauth/authorize", "oauth2/authorize", "oauth/consent", "oauth/device/verify", "oauth/end-session",
    "account/", "dashboard",
    "language", "bootstrap", "brand/", "pictures/", "sso/",
)  # fmt: skip
DEVELOPMENT = ("mailbox", "demo/", "styleguide")


def needs_credential(route: str) -> bool:
    """Whether a call of this route without any credential must answer 401 `token_missing`."""
    return (
        route != ""
        and route not in MACHINES
        and route not in CLIENTS
        and not route.startswith((*HOSTED, *DEVELOPMENT))
    )
