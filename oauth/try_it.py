"""A test sign-in from the dashboard that shows what the application would get (APP-07).

It goes the whole way that people go: authorization, consent, code with PKCE. Only the last step differs: the code
comes to the dashboard, which redeems it without the client's secret, since nobody here knows that. The tokens are
decoded, ended at once, and neither stored nor shown as such.
"""

from __future__ import annotations

import secrets as random
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core import signing
from django.utils.translation import gettext as _

from core import ids, jose
from core.secrets import new_token
from oauth import clients, code_grant, families, grants
from oauth.catalogue import OPENID
from oauth.clients import Client
from oauth.errors import InvalidRequest
from oauth.grants import AUTHORIZATION_CODE, TokenRequest
from oauth.models import Application, RefreshToken
from tenants import selectors
from tenants.selectors import TenantRef

LONGEST = 600  # seconds from the start to the answer
_mark = signing.TimestampSigner(salt="oauth.try_it")


@dataclass(frozen=True)
class Tried:
    """The decoded tokens of a test sign-in; `scope` and `expires_in` as the client would be told."""

    scope: str
    expires_in: int
    tokens: tuple[tuple[str, dict[str, Any], dict[str, Any]], ...]  # name, header, claims


def address(slug: str, application_id: Any) -> str:
    """Return where the code of a test sign-in goes: the dashboard's own page of this application."""
    return f"{settings.ORIGIN}/dashboard/{slug}/applications/{ids.encode(Application.PREFIX, application_id)}/try"


def is_own_address(client: Client, uri: str) -> bool:
    """Whether a redirect URI is that page: registered by nobody, and good for every client that signs people in."""
    if not uri.startswith(f"{settings.ORIGIN}/dashboard/"):
        return False
    tenant = selectors.by_id(client.tenant_id)
    return tenant is not None and uri == address(tenant.slug, client.id)


def hindrance(tenant: TenantRef, application: Application) -> str:
    """Return why there can be no test sign-in, or an empty string."""
    client = clients.find(tenant, application.client_id)
    if client is None or client.is_disabled:
        return _("The application is disabled.")
    if not client.allows_grant(AUTHORIZATION_CODE) or OPENID not in client.scopes:
        return _("It signs nobody in: it needs the authorization code grant and the scope openid.")
    if client.requires_pushed_requests or client.is_fapi or application.dpop_bound_access_tokens:
        return _("Its requests or tokens are bound to keys that only the application has.")
    return ""


def begin(tenant: TenantRef, application: Application) -> tuple[str, str]:
    """Return the address to send the browser to, and a mark that it has to bring back in a cookie."""
    verifier, state = new_token(), random.token_urlsafe(16)
    parameters = {
        "response_type": "code",
        "client_id": application.client_id,
        "redirect_uri": address(tenant.slug, application.id),
        "scope": " ".join(application.scopes),
        "state": state,
        "nonce": random.token_urlsafe(16),
        "code_challenge": code_grant.challenge_of(verifier),
        "code_challenge_method": "S256",
    }
    mark = _mark.sign_object([application.public_id, state, verifier], compress=True)
    return f"{tenant.issuer}/oauth/authorize?{urlencode(parameters)}", mark


def finish(tenant: TenantRef, application: Application, mark: str, query: Any) -> Tried:
    """Redeem the code that came back, in the open tenant scope. Raises OAuthError."""
    verifier = _verifier(application, mark, str(query.get("state", "")))
    if query.get("iss") != tenant.issuer:
        raise InvalidRequest("The answer names another issuer.")
    if "error" in query:
        raise InvalidRequest(f"{query['error'][:60]}: {query.get('error_description', '')[:200]}")
    client = clients.live(tenant, application.client_id)
    if client is None:
        raise InvalidRequest
    given = {"code": query.get("code", ""), "code_verifier": verifier}
    given["redirect_uri"] = address(tenant.slug, application.id)
    answer = grants.find(AUTHORIZATION_CODE).answer(TokenRequest(tenant, AUTHORIZATION_CODE, given, client))
    tokens = [(name, answer[name]) for name in ("id_token", "access_token") if name in answer]
    _end(answer["access_token"])
    shown = tuple((name, jose.unverified_header(t), dict(jose.unverified_claims(t))) for name, t in tokens)
    return Tried(str(answer["scope"]), int(answer["expires_in"]), shown)


def _verifier(application: Application, mark: str, state: str) -> str:
    try:
        named, known, verifier = _mark.unsign_object(mark, max_age=LONGEST)
    except (signing.BadSignature, ValueError):
        raise InvalidRequest("This sign-in was not begun here, or too long ago.") from None
    if named != application.public_id or not state or not random.compare_digest(str(known), state):
        raise InvalidRequest("The answer belongs to another sign-in.")
    return str(verifier)


def _end(access_token: str) -> None:
    """Nothing of a test goes on: the access token is denied and its family revoked."""
    claims = jose.unverified_claims(access_token)
    families.deny([(str(claims["jti"]), datetime.fromtimestamp(claims["exp"], UTC))])
    found = RefreshToken.objects.filter(access_jti=str(claims["jti"])).values_list("token_family", flat=True)
    families.revoke(list(found))
