"""What clients configure themselves from: discovery (OIDC Discovery §3, RFC 8414 §2) and the JWK Set.

Both are bytes made once: per tenant and process for the metadata, per set of keys for the JWKS. What is
remembered is answered in front of Django (core.front).
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from core import jose
from core.errors import NotFound
from core.front import Document, public, respond, serves
from core.livecache import LiveCache
from core.urls import issuer, tenant_slug
from identity import assurance
from oauth import dpop, grants, mtls
from oauth.catalogue import IDENTITY_SCOPES
from oauth.client_metadata import is_offered
from oauth.clients import ASSERTION_ALGORITHMS, in_tenant
from oauth.http import tenant_of
from oauth.models import AuthMethod
from oauth.parameters import PROMPTS, RESPONSE_MODES
from oauth.standard_claims import STANDARD
from roles.permissions import Permission
from tenants import keys, selectors
from tenants.selectors import TenantRef

MAX_AGE = keys.JWKS_MAX_AGE
ALIASED = (
    "token_endpoint", "revocation_endpoint", "introspection_endpoint", "device_authorization_endpoint",
    "pushed_authorization_request_endpoint", "userinfo_endpoint",
)  # fmt: skip
# To any origin: all of it is public.
PUBLIC = (("Cache-Control", f"public, max-age={MAX_AGE}"), ("Access-Control-Allow-Origin", "*"))
_jwks: LiveCache[Document] = LiveCache("signing_key", max_items=2000, ttl=600)


@public
def openid_configuration(request: HttpRequest) -> HttpResponse:
    return respond(request, _configuration_of(tenant_of(request)))


@public
def authorization_server(request: HttpRequest) -> HttpResponse:
    """The same document under the name of RFC 8414."""
    return respond(request, _configuration_of(tenant_of(request)))


@public
def inserted(request: HttpRequest, slug: str) -> HttpResponse:
    """RFC 8414 §3.1: the well-known part stands between host and path of the issuer, under either name (§5)."""
    tenant = selectors.by_slug(slug)
    if tenant is None or not tenant.is_active or tenant_slug(request) is not None:
        raise NotFound
    return respond(request, _configuration_of(tenant))


@public
def jwks(request: HttpRequest) -> HttpResponse:
    """RFC 7517 §5."""
    tenant = tenant_of(request)
    return respond(request, _jwks.get(str(tenant.id), lambda: document(keys.jwks(tenant.id))))


@serves("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")
def remembered_configuration(slug: str) -> Document | None:
    tenant = selectors.remembered(slug)
    policy = selectors.remembered_policy(tenant.id) if tenant is not None and tenant.is_active else None
    return configuration(slug, is_offered(policy, tenant.mode)) if tenant and policy else None


@serves("/.well-known/jwks.json")
def remembered_jwks(slug: str) -> Document | None:
    tenant = selectors.remembered(slug)
    return _jwks.peek(str(tenant.id)) if tenant is not None and tenant.is_active else None


def document(value: dict[str, Any]) -> Document:
    body = json.dumps(value, separators=(",", ":")).encode()
    return Document(body, f'"{hashlib.sha256(body).hexdigest()[:24]}"', PUBLIC)


def _configuration_of(tenant: TenantRef) -> Document:
    with in_tenant(tenant.id):
        policy = selectors.policy()
    return configuration(tenant.slug, is_offered(policy, tenant.mode))


@lru_cache(maxsize=2000)
def configuration(slug: str, by_document: bool) -> Document:
    """`by_document`: whether the tenant takes clients whose id is the address of their metadata."""
    return document(metadata(issuer(slug), by_document=by_document))


def metadata(base: str, *, by_document: bool = False) -> dict[str, Any]:
    """Return the metadata of an issuer (RFC 8414 §2, Discovery §3); one path for each endpoint (OAU-31)."""
    found = {"issuer": base, **_addresses(base), **_client_authentication(), **_answers()}
    found |= {
        "client_id_metadata_document_supported": by_document,
        "require_pushed_authorization_requests": False,
        "response_types_supported": ["code"],
        "response_modes_supported": list(RESPONSE_MODES),
        "grant_types_supported": grants.offered(),
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": list(PROMPTS),
        "ui_locales_supported": [code for code, _ in settings.LANGUAGES],
        "acr_values_supported": list(assurance.OFFERED),
        "claims_parameter_supported": True,
        "request_parameter_supported": True,
        "request_object_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
        "request_uri_parameter_supported": False,
        "authorization_response_iss_parameter_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
    }
    return found | _aliases(found)


def _addresses(base: str) -> dict[str, Any]:
    return {
        "authorization_endpoint": f"{base}/oauth/authorize",
        "pushed_authorization_request_endpoint": f"{base}/oauth/par",
        "token_endpoint": f"{base}/oauth/token",
        "userinfo_endpoint": f"{base}/oauth/userinfo",
        "jwks_uri": f"{base}/.well-known/jwks.json",
        "introspection_endpoint": f"{base}/oauth/introspect",
        "revocation_endpoint": f"{base}/oauth/revoke",
        "device_authorization_endpoint": f"{base}/oauth/device/code",
        "end_session_endpoint": f"{base}/oauth/end-session",
        "registration_endpoint": f"{base}/oauth/register",
    }


def _client_authentication() -> dict[str, Any]:
    """How clients prove themselves, and what tokens are bound to; introspection is for those that do."""
    offered = [method for method in AuthMethod if method not in mtls.METHODS] + list(mtls.offered_methods())
    methods, algorithms = [str(method) for method in offered], list(ASSERTION_ALGORITHMS)
    return {
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint_auth_methods_supported": [m for m in methods if m != AuthMethod.NONE],
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        "dpop_signing_alg_values_supported": list(dpop.OFFERED),
        "tls_client_certificate_bound_access_tokens": mtls.is_offered(),
    }


def _answers() -> dict[str, Any]:
    """What tokens and userinfo may say, about whom, and signed with what."""
    return {
        "scopes_supported": [*IDENTITY_SCOPES, *(str(permission) for permission in Permission)],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": list(jose.ALGORITHMS),
        "userinfo_signing_alg_values_supported": list(jose.ALGORITHMS),
        "introspection_signing_alg_values_supported": list(jose.ALGORITHMS),
        "claims_supported": [
            "iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "sid",
            *STANDARD,
        ],
        "claim_types_supported": ["normal"],
    }  # fmt: skip


def _aliases(found: dict[str, Any]) -> dict[str, Any]:
    """RFC 8705 §5: where the same endpoints ask for a certificate, on a host that people never come to."""
    if not (settings.MTLS_ORIGIN and mtls.is_offered()):
        return {}
    moved = {name: found[name].replace(settings.ORIGIN, settings.MTLS_ORIGIN, 1) for name in ALIASED}
    return {"mtls_endpoint_aliases": moved}
