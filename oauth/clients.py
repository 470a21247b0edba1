"""Applications as the hot paths see them: immutable, cached per process, free of database objects."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from typing import Any

from django.utils import timezone

from core import jose, livecache, scope
from core.livecache import LiveCache
from oauth import client_keys
from oauth.models import Application, ApplicationType, AuthMethod, ClientSecret, Profile
from roles import claim_mapping
from tenants import selectors
from tenants.keys import DEFAULT_ALGORITHM
from tenants.selectors import TenantRef

TOPIC = "application"
ASSERTION_ALGORITHMS = ("ES256", "RS256", "PS256", "EdDSA")


@dataclass(frozen=True)
class Client:
    """What an endpoint needs to know of a client. Lifetimes are seconds; None takes the tenant's."""

    id: uuid.UUID
    tenant_id: uuid.UUID
    client_id: str
    name: str
    type: str
    auth_method: str
    grants: frozenset[str]
    scopes: tuple[str, ...]
    resources: tuple[str, ...]
    introspection_audiences: frozenset[str]
    exchange_clients: frozenset[str]
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    origins: frozenset[str]
    access_token_lifetime: int | None
    id_token_lifetime: int | None
    refresh_lifetime: int | None
    rotate_refresh_tokens: bool
    refresh_ends_with_session: bool
    is_first_party: bool
    is_disabled: bool
    is_vetted: bool = True
    is_by_document: bool = False  # its client_id is the address of its metadata
    client_uri: str = ""
    tos_uri: str = ""
    policy_uri: str = ""
    default_max_age: int | None = None
    id_token_alg: str = DEFAULT_ALGORITHM
    mapping: claim_mapping.Mapped = ()
    userinfo_alg: str = ""
    introspection_alg: str = ""
    requires_pushed_requests: bool = False
    required_scopes: frozenset[str] = frozenset()
    assigned_organizations: frozenset[str] = frozenset()
    assigned_roles: frozenset[str] = frozenset()
    secrets: tuple[tuple[str, datetime | None], ...] = field(default=(), repr=False)
    keys: tuple[jose.VerifyingKey, ...] = ()
    jwks_uri: str = ""
    assertion_alg: str = ""  # what its assertions must be signed with; empty = any that is offered
    tls_name: tuple[str, str] = ("", "")  # kind of name (RFC 8705 §2.1.2) and the name itself
    dpop_bound: bool = False
    dpop_nonce_required: bool = False
    certificate_bound: bool = False
    profile: str = ""

    @property
    def is_public(self) -> bool:
        return self.auth_method == AuthMethod.NONE

    @property
    def is_fapi(self) -> bool:
        return self.profile == Profile.FAPI2

    @property
    def is_machine(self) -> bool:
        return self.type == ApplicationType.MACHINE

    @property
    def rotates(self) -> bool:
        """Public clients always rotate their refresh tokens (RFC 9700 §4.14.2)."""
        return self.is_public or self.rotate_refresh_tokens

    def allows_grant(self, grant_type: str) -> bool:
        return grant_type in self.grants


_clients: LiveCache[Client | None] = LiveCache(TOPIC)
_origins: LiveCache[frozenset[str]] = LiveCache(TOPIC, max_items=2000)


def find(tenant: TenantRef, client_id: str) -> Client | None:
    """Return the tenant's client, disabled ones too; needs no scope and opens one only when not cached."""
    if not client_id or len(client_id) > 255 or "\x00" in client_id:
        return None
    return _clients.get(cache_key(tenant.id, client_id), lambda: _load(tenant, client_id))


def live(tenant: TenantRef, client_id: str) -> Client | None:
    """Return the client unless it is unknown or disabled."""
    client = find(tenant, client_id)
    return None if client is None or client.is_disabled else client


def admitted(tenant: TenantRef, client_id: str) -> Client | None:
    """As `live`, where a client begins something: one whose id is an address is read there when that is due.

    No scope may be open then (see oauth.client_metadata).
    """
    if client_id.startswith(("https://", "http://")):
        known = find(tenant, client_id)
        documents = import_module("oauth.client_metadata")  # above this module
        if (known is None or known.is_by_document) and not documents.is_admitted(tenant, client_id):
            return None
    return live(tenant, client_id)


def origins_of(tenant: TenantRef) -> frozenset[str]:
    """Return every browser origin that some live application of the tenant registered."""
    return _origins.get(f"{tenant.id}:", lambda: _load_origins(tenant))


def origins_at(slug: str, client_id: str = "") -> frozenset[str]:
    """Return the origins of one live application, or without a client id of all; none for an unknown tenant."""
    tenant = selectors.by_slug(slug)
    if tenant is None or not tenant.is_active:
        return frozenset()
    if not client_id:
        return origins_of(tenant)
    client = live(tenant, client_id)
    return frozenset(client.origins) if client is not None else frozenset()


def forget(application: Application) -> None:
    """Make every process read the application anew; in the transaction that changed it."""
    tenant_id = application.tenant_id
    livecache.invalidate(TOPIC, cache_key(tenant_id, application.client_id), f"{tenant_id}:")


def cache_key(tenant_id: uuid.UUID, client_id: str) -> str:
    """Return what a client is remembered under; an address that is one may be long."""
    if len(client_id) <= 80:
        return f"{tenant_id}:{client_id}"
    return f"{tenant_id}:{hashlib.sha256(client_id.encode()).hexdigest()}"


def in_tenant(tenant_id: uuid.UUID) -> Any:
    """Open the whole tenant's scope; inside the same scope already open this adds nothing."""
    return scope.tenant(tenant_id)


def _load(tenant: TenantRef, client_id: str) -> Client | None:
    with in_tenant(tenant.id):
        row = Application.objects.filter(client_id=client_id).first()
        return None if row is None else snapshot(row)


def _load_origins(tenant: TenantRef) -> frozenset[str]:
    with in_tenant(tenant.id):
        rows = Application.objects.filter(disabled_at=None).values_list("allowed_origins", flat=True)
        return frozenset(origin for text in rows for origin in text.split())


def snapshot(row: Application) -> Client:
    """Return what a process remembers of an application, its columns read and its keys parsed once."""
    now = timezone.now()
    secrets = ClientSecret.objects.filter(application=row).values_list("digest", "expires_at")
    return Client(
        id=row.id,
        tenant_id=row.tenant_id,
        client_id=row.client_id,
        name=row.name,
        type=row.type,
        auth_method=row.auth_method,
        grants=frozenset(row.grants),
        scopes=tuple(row.scopes),
        resources=tuple(row.resources),
        introspection_audiences=frozenset(row.introspection_audiences),
        exchange_clients=frozenset(row.exchange_clients),
        redirect_uris=tuple(row.redirect_uris.split()),
        post_logout_redirect_uris=tuple(row.post_logout_redirect_uris.split()),
        origins=frozenset(row.allowed_origins.split()),
        access_token_lifetime=row.access_token_lifetime,
        id_token_lifetime=row.id_token_lifetime,
        refresh_lifetime=row.refresh_lifetime,
        rotate_refresh_tokens=row.rotate_refresh_tokens,
        refresh_ends_with_session=row.refresh_ends_with_session,
        is_first_party=row.is_first_party,
        is_disabled=row.disabled_at is not None,
        is_vetted=row.is_vetted,
        is_by_document=row.registration_source == Application.RegistrationSource.CIMD,
        client_uri=row.client_uri,
        tos_uri=row.tos_uri,
        policy_uri=row.policy_uri,
        default_max_age=row.default_max_age,
        id_token_alg=row.id_token_signed_response_alg or DEFAULT_ALGORITHM,
        mapping=claim_mapping.compiled(row.claim_mapping),
        userinfo_alg=row.userinfo_signed_response_alg,
        introspection_alg=row.introspection_signed_response_alg,
        requires_pushed_requests=row.require_pushed_authorization_requests or row.profile == Profile.FAPI2,
        required_scopes=frozenset(row.required_scopes),
        assigned_organizations=frozenset(row.assigned_organizations),
        assigned_roles=frozenset(row.assigned_roles),
        secrets=tuple((digest, until) for digest, until in secrets if until is None or until > now),
        keys=tuple(client_keys.usable(row.jwks)),
        jwks_uri=row.jwks_uri,
        assertion_alg=row.token_endpoint_auth_signing_alg,
        tls_name=next(iter(row.tls_client_auth.items()), ("", "")),
        dpop_bound=row.dpop_bound_access_tokens,
        dpop_nonce_required=row.dpop_nonce_required,
        certificate_bound=row.tls_client_certificate_bound_access_tokens,
        profile=row.profile,
    )
