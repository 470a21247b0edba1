"""Clients that register themselves: with an initial access token, and later with their own (RFC 7591, 7592)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from core import secrets
from core.principal import Principal, SubjectType
from events.services import emit
from oauth import applications, client_secrets, clients, initial_access_tokens, registration_metadata
from oauth.applications import Provenance
from oauth.errors import InvalidClientMetadata, InvalidToken, OAuthError
from oauth.initial_access_tokens import Held
from oauth.models import Application, ClientSecret
from oauth.registration_metadata import Limits
from roles.permissions import Permission
from tenants.selectors import TenantRef

PREFIX, PURPOSE = "rat_", "registration_access_token"
DYNAMIC = Application.RegistrationSource.DCR
MOST = 2000  # dynamic clients of a tenant (threat O10)


@dataclass(frozen=True)
class SelfRegistered:
    """A client that manages itself; `token` and `secret` are shown this once, `secret` only when it is new."""

    application: Application
    token: str
    secret: str = ""


def register(*, held: Held, metadata: Mapping[str, Any]) -> SelfRegistered:
    """Register a client within the limits of the token, and take one of its uses.

    Raises InvalidClientMetadata, InvalidRedirectUri, and InvalidToken when the token has no use left.
    """
    wanted = registration_metadata.read(metadata, held.limits)
    row = initial_access_tokens.initial_access_token(held.id)
    if applications.applications().filter(registration_source=DYNAMIC).count() >= MOST:
        raise InvalidClientMetadata("This tenant has as many registered clients as it may have.")
    token = secrets.generate(PREFIX)
    provenance = Provenance(DYNAMIC, row, secrets.digest(token, PURPOSE), wanted.software)
    with transaction.atomic(), registration_metadata.standard_errors():
        if not initial_access_tokens.spend(row):
            raise InvalidToken
        made = applications.create_application(
            actor=held.principal, type=wanted.type, provenance=provenance, **wanted.settings
        )
        _record(held.principal, row, made.application)
    return SelfRegistered(made.application, token, made.secret)


def _record(actor: Principal, row: Any, application: Application) -> None:
    head = {"id": row.public_id, "object": "initial_access_token", "name": row.name}
    emit(
        "initial_access_token.consumed",
        actor=actor.actor,
        object={**head, "client_id": application.client_id},
    )
    shown = applications.describe(
        application, registration_source=DYNAMIC.value, registered_with=row.public_id
    )
    emit("application.dynamic_registration.succeeded", actor=actor.actor, object=shown)


def record_refusal(held: Held, error: OAuthError) -> None:
    """Write down that a registration was refused; in a scope of its own, since nothing else was kept."""
    with clients.in_tenant(held.tenant.id):
        actor = held.principal.actor
        head = {
            "id": actor.id,
            "object": "initial_access_token",
            "reason": f"{error.error}: {error.detail}"[:300],
        }
        emit("application.dynamic_registration.rejected", actor=actor, object=head)


def find(client_id: str, token: str) -> Application:
    """Return the client that its registration access token names. Raises InvalidToken, the same for all faults."""
    rows = applications.applications().filter(client_id=client_id[:255], registration_source=DYNAMIC)
    row = (
        rows.exclude(registration_digest="").first()
        if token.startswith(PREFIX) and len(token) <= 100
        else None
    )
    if row is None or not secrets.matches(token, row.registration_digest, PURPOSE) or row.disabled_at:
        raise InvalidToken
    return row


def replace(*, tenant: TenantRef, application: Application, metadata: Mapping[str, Any]) -> SelfRegistered:
    """Replace a client's metadata as a whole and give it a new registration access token (RFC 7592 §2.2, §5).

    What is left out is cleared. The limits of the token that registered it go on to hold. Raises as `register`.
    """
    limits = limits_of(application)
    wanted = registration_metadata.read(metadata, limits)
    if wanted.type != application.type:
        raise InvalidClientMetadata("A client cannot become one of another kind: register it anew.")
    actor = principal_of(tenant, application, limits)
    changes = registration_metadata.replacement(wanted)
    unseen = [
        name
        for name in registration_metadata.SHOWN
        if applications.value_of(application, name) != changes[name]
    ]
    token = secrets.generate(PREFIX)
    with transaction.atomic(), registration_metadata.standard_errors():
        row = applications.applications().select_for_update().get(id=application.id)
        applications.update_application(actor=actor, application=row, changes=changes)
        row.registration_digest = secrets.digest(token, PURPOSE)
        row.is_vetted = row.is_vetted and not unseen
        for name, value in wanted.software.items():
            setattr(row, name, value)
        row.save()
        clients.forget(row)
        secret = _first_secret(actor, row)
    return SelfRegistered(row, token, secret)


def _first_secret(actor: Principal, row: Application) -> str:
    """A client that was public and now proves itself by a secret gets its first."""
    if not client_secrets.has_secret(row) or ClientSecret.objects.filter(application=row).exists():
        return ""
    return client_secrets.rotate_secret(actor=actor, application=row).secret


def delete(*, tenant: TenantRef, application: Application) -> None:
    """RFC 7592 §2.3: with it go its secrets, consents, codes and tokens."""
    actor = principal_of(tenant, application, limits_of(application))
    applications.delete_application(actor=actor, application=application)


def limits_of(application: Application) -> Limits:
    """Return the limits that hold for a client; without its token's row, what it has now."""
    row = application.initial_access_token
    if row is None:
        return Limits(
            tuple(application.redirect_uris.split()), tuple(application.grants), tuple(application.scopes)
        )
    return initial_access_tokens.limits_of(row)


def principal_of(tenant: TenantRef, application: Application, limits: Limits) -> Principal:
    """Return the client as the one who changes its own registration."""
    words = frozenset({str(Permission.APPLICATIONS_WRITE), *limits.scopes})
    return Principal(
        subject_type=SubjectType.SERVICE,
        subject=application.client_id,
        tenant_id=tenant.id,
        tenant_slug=tenant.slug,
        mode=tenant.mode,
        permissions=words,
        scopes=words,
        client_id=application.client_id,
    )
