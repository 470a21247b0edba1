"""Metadata of protected resources (RFC 9728), hosted here: an API or MCP server needs only to link to it.

A resource under our issuer has its document where the RFC looks for it, with the path inserted; every other
one has a copy under the issuer, for `WWW-Authenticate: Bearer resource_metadata="…"` (§5.1).
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from core import ids
from core.errors import NotFound
from core.front import public, respond
from core.lookups import id_or_missing
from core.token_binding import TokenBinding
from core.urls import tenant_slug
from oauth import catalogue, dpop, mtls
from oauth.catalogue import Resource
from oauth.http import tenant_of
from oauth.metadata import document
from roles.models import ApiResource
from tenants import selectors
from tenants.selectors import TenantRef
from tenants.tokens import control_plane_audience


@public
def hosted(request: HttpRequest, resource: str) -> HttpResponse:
    """The copy at `{issuer}/resources/{rs_…}/.well-known/oauth-protected-resource`."""
    tenant = tenant_of(request)
    public_id = ids.encode(ApiResource.PREFIX, id_or_missing(ApiResource.PREFIX, resource))
    known = catalogue.resources_of(tenant).values()
    return _answer(request, tenant, next((one for one in known if one.public_id == public_id), None))


@public
def inserted(request: HttpRequest, slug: str, below: str) -> HttpResponse:
    """§3.1: the well-known part stands between host and path of a resource under our issuer."""
    tenant = selectors.by_slug(slug)
    if tenant is None or not tenant.is_active or tenant_slug(request) is not None:
        raise NotFound
    audience = f"{tenant.issuer}/{below}"
    return _answer(request, tenant, catalogue.resources_of(tenant).get(audience))


def _answer(request: HttpRequest, tenant: TenantRef, resource: Resource | None) -> HttpResponse:
    if resource is None:
        raise NotFound
    return respond(request, document(metadata(tenant, resource)))


def metadata(tenant: TenantRef, resource: Resource) -> dict[str, Any]:
    """Return the document of §2."""
    body: dict[str, Any] = {
        "resource": resource.audience,
        "authorization_servers": [tenant.issuer],
        "scopes_supported": list(resource.scopes),
        "bearer_methods_supported": ["header"],
        "resource_name": resource.name,
    }
    if resource.audience == control_plane_audience(tenant):
        body["dpop_signing_alg_values_supported"] = list(dpop.OFFERED)
        body["dpop_bound_access_tokens_required"] = False  # each application and tenant decides that
        body["tls_client_certificate_bound_access_tokens"] = mtls.is_offered()
    elif resource.token_binding is not TokenBinding.NONE:
        body |= _bindings(resource.token_binding)
    if resource.documentation_url:
        body["resource_documentation"] = resource.documentation_url
    return body


def _bindings(wanted: TokenBinding) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if wanted.takes_dpop:
        body["dpop_signing_alg_values_supported"] = list(dpop.OFFERED)
        body["dpop_bound_access_tokens_required"] = wanted is TokenBinding.DPOP
    if wanted.takes_certificates:
        body["tls_client_certificate_bound_access_tokens"] = True
    return body
