"""Clients whose `client_id` is the https address of their own metadata (Client ID Metadata Documents, ANC-01).

draft-ietf-oauth-client-id-metadata-document. Nobody registers them: the document is fetched when a client
first asks, kept as an unvetted application, and read again when its cache headers say so. The tenant's policy
decides whose documents are taken; limits keep anybody from making us fetch at will (threats O10, W1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction
from django.utils import timezone

from core import ratelimit
from core.context import current
from core.livecache import LiveCache
from core.principal import Principal, SubjectType
from events.services import emit
from oauth import applications, clients, registration_metadata
from oauth.applications import Provenance
from oauth.catalogue import IDENTITY_SCOPES, resources_of
from oauth.client_addresses import LOOPBACK
from oauth.client_documents import LEAST, Fetched, Unreachable, address_fault, fetch
from oauth.clients import in_tenant
from oauth.errors import InvalidClientMetadata, OAuthError
from oauth.grants import AUTHORIZATION_CODE, REFRESH_TOKEN
from oauth.models import Application, AuthMethod, ClientDocument
from oauth.registration_metadata import Limits, Wanted
from roles.permissions import Permission
from tenants import selectors
from tenants.policy import TenantPolicy
from tenants.selectors import TenantRef
from tenants.tokens import control_plane_audience

SOURCE = Application.RegistrationSource.CIMD
MOST = 2000  # such clients of a tenant
GRACE = timedelta(hours=24)  # how long an old one goes on while its host does not answer
PAUSE = timedelta(minutes=1)  # between two tries
METHODS = (AuthMethod.NONE, AuthMethod.PRIVATE_KEY_JWT)
PER_ADDRESS = ratelimit.Limit("client_document", 3)
PER_NETWORK = ratelimit.Limit("client_documents_of_network", 20)
PER_TENANT = ratelimit.Limit("client_documents", 120)


@dataclass(frozen=True)
class Known:
    """What is remembered of a document."""

    id: Any
    fetched_at: datetime
    expires_at: datetime
    etag: str
    digest: str
    fault: str

    @property
    def is_good(self) -> bool:
        return not self.fault and self.expires_at + GRACE > timezone.now()


_known: LiveCache[Known | None] = LiveCache(clients.TOPIC)


def is_admitted(tenant: TenantRef, address: str) -> bool:
    """Whether the client at an address may act now; fetches its document when that is due.

    No scope may be open: the fetch must not hold a transaction.
    """
    if address_fault(address) or not _is_welcome(tenant, address):
        return False
    known = _known.get(clients.cache_key(tenant.id, address), lambda: _load(tenant, address))
    if known is not None and known.expires_at > timezone.now():
        return not known.fault
    if not _may_try(tenant, address, known):
        return known is not None and known.is_good
    return _read_anew(tenant, address, known)


def is_offered(policy: TenantPolicy, mode: str) -> bool:
    """Whether discovery says that such clients are taken."""
    return policy.client_documents in ("listed", "any") or (
        policy.client_documents == "auto" and mode == "test"
    )


def _is_welcome(tenant: TenantRef, address: str) -> bool:
    with in_tenant(tenant.id):
        policy = selectors.policy()
    if policy.client_documents == "listed":
        return (urlsplit(address).hostname or "") in policy.client_document_hosts
    return is_offered(policy, tenant.mode)


def _load(tenant: TenantRef, address: str) -> Known | None:
    with in_tenant(tenant.id):
        row = ClientDocument.objects.filter(application__client_id=address).first()
    if row is None:
        return None
    return Known(row.id, row.fetched_at, row.expires_at, row.etag, row.digest, row.fault)


def _may_try(tenant: TenantRef, address: str, known: Known | None) -> bool:
    """Count the try; of several requests that find a document too old, one fetches and the others go on."""
    for subject, limit in (
        (f"address:{address}", PER_ADDRESS), (f"network:{current().ip}", PER_NETWORK), ("all", PER_TENANT),
    ):  # fmt: skip
        if not ratelimit.hit(tenant=str(tenant.id), subjects=[subject], limits=[limit]).allowed:
            return False
    if known is None:
        return True
    now = timezone.now()
    with in_tenant(tenant.id):
        due = ClientDocument.objects.filter(id=known.id, tried_at__lt=now - PAUSE)
        return bool(due.update(tried_at=now))


def _read_anew(tenant: TenantRef, address: str, known: Known | None) -> bool:
    try:
        fetched = fetch(address, known.etag if known else "")
        wanted = _wanted(tenant, address, fetched.metadata) if fetched.metadata is not None else None
        return _keep(tenant, address, known, fetched, wanted)
    except Unreachable:
        return known is not None and known.is_good
    except OAuthError as error:
        _note_fault(tenant, address, known, error.detail)
        return False


def _wanted(tenant: TenantRef, address: str, metadata: Mapping[str, Any]) -> Wanted:
    """Return the registration that a document asks for. Raises InvalidClientMetadata or InvalidRedirectUri."""
    if metadata.get("client_id") != address:
        raise InvalidClientMetadata("client_id in the document is not its address.")
    if "client_secret" in metadata or "client_secret_expires_at" in metadata:
        raise InvalidClientMetadata("A public document holds no secret.")
    by_key = metadata.get("jwks") is not None or metadata.get("jwks_uri") is not None
    method = metadata.get("token_endpoint_auth_method") or (METHODS[1] if by_key else METHODS[0])
    if method not in METHODS:
        raise InvalidClientMetadata("token_endpoint_auth_method is none or private_key_jwt here.")
    uris = metadata.get("redirect_uris")
    limits = Limits(_places(address), (AUTHORIZATION_CODE, REFRESH_TOKEN), _scopes(tenant))
    prepared = {**metadata, "token_endpoint_auth_method": method}
    if isinstance(uris, list) and any(_is_loopback(uri) for uri in uris):
        prepared.setdefault("application_type", "native")
    with in_tenant(tenant.id):
        return registration_metadata.read(prepared, limits)


def _places(address: str) -> tuple[str, ...]:
    """Where such a client may send people back to: its own origin, or the person's own device."""
    parts = urlsplit(address)
    loopback = (f"http://{f'[{host}]' if ':' in host else host}/" for host in sorted(LOOPBACK))
    return (f"{parts.scheme}://{parts.netloc}/", *loopback)


def _is_loopback(uri: Any) -> bool:
    try:
        parts = urlsplit(uri) if isinstance(uri, str) else None
    except ValueError:
        return False
    return parts is not None and parts.scheme == "http" and parts.hostname in LOOPBACK


def _scopes(tenant: TenantRef) -> tuple[str, ...]:
    """What a client that nobody of the tenant knows may ask people for: nothing of the tenant's own `/v1`."""
    own = control_plane_audience(tenant)
    found = [
        word
        for audience, resource in resources_of(tenant).items()
        if audience != own
        for word in resource.scopes
    ]
    return tuple(dict.fromkeys([*IDENTITY_SCOPES, *found]))


def _keep(
    tenant: TenantRef, address: str, known: Known | None, fetched: Fetched, wanted: Wanted | None
) -> bool:
    with in_tenant(tenant.id):
        row = applications.applications().filter(client_id=address).first()
        if row is None:
            return wanted is not None and _create(tenant, address, fetched, wanted)
        if row.registration_source != SOURCE:
            return False
        if wanted is not None and (known is None or known.digest != fetched.digest):
            _update(tenant, row, wanted)
        _note(row, fetched)
        clients.forget(row)
    return True


def _create(tenant: TenantRef, address: str, fetched: Fetched, wanted: Wanted) -> bool:
    if applications.applications().filter(registration_source=SOURCE).count() >= MOST:
        return False
    actor = principal_of(tenant, address)
    try:
        with transaction.atomic(), registration_metadata.standard_errors():
            provenance = Provenance(SOURCE, software=wanted.software)
            made = applications.create_application(
                actor=actor, type=wanted.type, client_id=address, provenance=provenance, **wanted.settings
            )
            _note(made.application, fetched)
    except IntegrityError:  # somebody else's request was a moment earlier
        return applications.applications().filter(client_id=address).exists()
    return True


def _update(tenant: TenantRef, row: Application, wanted: Wanted) -> None:
    changes = registration_metadata.replacement(wanted)
    if wanted.type != row.type:
        raise InvalidClientMetadata(
            "The client became one of another kind; an administrator has to delete it first."
        )
    differing = [name for name, value in changes.items() if applications.value_of(row, name) != value]
    with transaction.atomic(), registration_metadata.standard_errors():
        actor = principal_of(tenant, row.client_id)
        applications.update_application(actor=actor, application=row, changes=changes)
        if set(differing) & set(registration_metadata.SHOWN):
            row.is_vetted = False
            row.save(update_fields=["is_vetted", "updated_at"])
        if differing:
            shown = applications.describe(row, registration_source=SOURCE.value, is_vetted=row.is_vetted)
            emit("application.metadata_document.changed", actor=actor.actor, object=shown)


def _note(row: Application, fetched: Fetched) -> None:
    now = timezone.now()
    values = {
        "fetched_at": now,
        "tried_at": now,
        "expires_at": fetched.expires_at,
        "etag": fetched.etag,
        "fault": "",
    }
    if fetched.digest:
        values["digest"] = fetched.digest
    ClientDocument.objects.update_or_create(application=row, defaults=values)


def _note_fault(tenant: TenantRef, address: str, known: Known | None, fault: str) -> None:
    """A document that was withdrawn or went bad ends the client until it is right again."""
    with in_tenant(tenant.id):
        actor = principal_of(tenant, address).actor
        head = {"id": address, "object": "application", "client_id": address, "reason": fault[:300]}
        emit("application.metadata_document.rejected", actor=actor, object=head)
        row = applications.applications().filter(client_id=address, registration_source=SOURCE).first()
        if known is not None and row is not None:
            until = timezone.now() + LEAST
            ClientDocument.objects.filter(id=known.id).update(fault=fault[:300], expires_at=until)
            clients.forget(row)


def principal_of(tenant: TenantRef, address: str) -> Principal:
    """Return the client at an address as the one who registers itself."""
    words = frozenset({str(Permission.APPLICATIONS_WRITE)})
    return Principal(
        subject_type=SubjectType.SERVICE,
        subject=address,
        tenant_id=tenant.id,
        tenant_slug=tenant.slug,
        mode=tenant.mode,
        permissions=words,
        scopes=words,
        client_id=address,
    )


def document_of(application: Application) -> ClientDocument | None:
    """Return what is known of an application's document, for its page."""
    return ClientDocument.objects.filter(application=application).first()
