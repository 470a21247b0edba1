"""Applications: registering, changing, disabling and deleting clients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from core import ports, scope
from core.errors import FieldError, NotFound, ValidationFailed
from core.principal import Principal
from events.services import emit
from oauth import assignment, catalogue, client_secrets, clients, families, fapi, hosts, registration
from oauth.errors import InvalidScope
from oauth.grants import CLIENT_CREDENTIALS
from oauth.models import Application, AuthMethod, ClientSecret, InitialAccessToken
from roles import guards
from roles.permissions import Permission
from tenants import keys, selectors
from tenants.selectors import TenantRef

LISTS = {
    "redirect_uris": "redirect_uris",
    "post_logout_redirect_uris": "post_logout_redirect_uris",
    "origins": "allowed_origins",
}
ALGORITHMS = (
    "id_token_signed_response_alg", "userinfo_signed_response_alg", "introspection_signed_response_alg",
)  # fmt: skip
ASSERTION_ALGORITHM = "token_endpoint_auth_signing_alg"
PLAIN = (
    "name", "auth_method", "grants", "scopes", "resources", "introspection_audiences", "exchange_clients",
    "jwks", ASSERTION_ALGORITHM, "tls_client_auth", "tls_client_certificate_bound_access_tokens",
    "dpop_bound_access_tokens", "dpop_nonce_required", "profile",
    "access_token_lifetime", "id_token_lifetime", "refresh_lifetime", "rotate_refresh_tokens",
    "refresh_ends_with_session", "is_first_party", "require_pushed_authorization_requests", "required_scopes",
    "assigned_organizations", "assigned_roles", "metadata", "jwks_uri", "client_uri", "logo_uri", "tos_uri",
    "policy_uri", "contacts", "initiate_login_uri", "default_max_age", "require_auth_time",
    *ALGORITHMS, "claim_mapping",
    "backchannel_logout_uri", "backchannel_logout_session_required",
)  # fmt: skip


@dataclass(frozen=True)
class Registered:
    """A new application; `secret` is shown this once, empty for clients without one."""

    application: Application
    secret: str = ""


@dataclass(frozen=True)
class Provenance:
    """How an application came to be registered, where no administrator registered it."""

    source: str
    token: InitialAccessToken | None = None
    registration_digest: str = ""
    software: Mapping[str, str] = field(default_factory=dict)


def create_application(
    *, actor: Principal, name: str, type: str, provenance: Provenance | None = None, **settings: Any
) -> Registered:
    """Register a client; what `settings` leave out takes the type's defaults (see registration).

    With a `provenance` the client is unvetted until an administrator looks at it. Raises ValidationFailed with
    every fault, and GrantExceedsOwn for a scope that the actor lacks on a client that will act for itself.
    """
    ports.authority.require(actor, Permission.APPLICATIONS_WRITE)
    application = Application(name=name, type=type)
    application.client_id = settings.pop("client_id", "") or application.public_id
    application.auth_method = registration.METHODS[type][0]
    application.grants = list(registration.DEFAULT_GRANTS[type])
    _assign(application, settings)
    if provenance is not None:
        _note_provenance(application, provenance)
    if "resources" not in settings:
        application.resources = registration.resources_for(tenant_ref(), application.scopes)
    assignment.check(application, settings)
    _check(actor, application, before=())
    with transaction.atomic():
        application.save(force_insert=True)
        hosts.remember(application.redirect_uris.split())
        _prepare_keys(application)
        secret = client_secrets.issue(application).secret if client_secrets.has_secret(application) else ""
        clients.forget(application)
        emit("application.created", actor=actor.actor, object=describe(application, whole=True))
    return Registered(application, secret)


def update_application(
    *, actor: Principal, application: Application, changes: Mapping[str, Any]
) -> Application:
    """Change settings; type and client id stay. Raises as `create_application`."""
    ports.authority.require(actor, Permission.APPLICATIONS_WRITE, application)
    before = {
        name: value_of(application, name) for name in changes if value_of(application, name) != changes[name]
    }
    if not before:
        return application
    scopes = tuple(application.scopes) if CLIENT_CREDENTIALS in application.grants else ()
    _assign(application, {name: changes[name] for name in before})
    if "scopes" in before and "resources" not in changes:
        application.resources = registration.resources_for(tenant_ref(), application.scopes)
    assignment.check(application, before)
    _check(actor, application, before=scopes)
    with transaction.atomic():
        application.save()
        hosts.remember(application.redirect_uris.split())
        _prepare_keys(application)
        if "auth_method" in before and not client_secrets.has_secret(application):
            ClientSecret.objects.filter(application=application).delete()
        clients.forget(application)
        after = {name: value_of(application, name) for name in before}
        emit("application.updated", actor=actor.actor, object=describe(application, **after), previous=before)
    return application


def disable_application(*, actor: Principal, application: Application) -> Application:
    """Stop an application at once: no sign-in starts, no token of it is taken (APP-04)."""
    return _switch(actor, application, "application.disabled", timezone.now())


def enable_application(*, actor: Principal, application: Application) -> Application:
    """Let a disabled application work again; tokens that ended meanwhile stay ended."""
    return _switch(actor, application, "application.enabled", None)


def _switch(actor: Principal, application: Application, event: str, at: Any) -> Application:
    ports.authority.require(actor, Permission.APPLICATIONS_WRITE, application)
    if (application.disabled_at is None) == (at is None):
        return application
    before = application.status
    application.disabled_at = at
    with transaction.atomic():
        application.save(update_fields=["disabled_at", "updated_at"])
        clients.forget(application)
        now = describe(application, status=application.status)
        emit(event, actor=actor.actor, object=now, previous={"status": before})
    return application


def vet_application(*, actor: Principal, application: Application, vetted: bool) -> Application:
    """Vouch for a client, or take that back: people are told of an unvetted one, and asked each time (NEW-12)."""
    ports.authority.require(actor, Permission.APPLICATIONS_WRITE, application)
    if application.is_vetted is vetted:
        return application
    application.is_vetted = vetted
    with transaction.atomic():
        application.save(update_fields=["is_vetted", "updated_at"])
        clients.forget(application)
        now = describe(application, is_vetted=vetted)
        emit("application.updated", actor=actor.actor, object=now, previous={"is_vetted": not vetted})
    return application


def delete_application(*, actor: Principal, application: Application) -> None:
    """Delete an application with its secrets, consents, codes and token families."""
    ports.authority.require(actor, Permission.APPLICATIONS_WRITE, application)
    with transaction.atomic():
        gone = describe(application, whole=True)
        families.revoke_all(application_id=application.id, reason="application_deleted")
        clients.forget(application)
        Application.objects.filter(id=application.id).delete()
        emit("application.deleted", actor=actor.actor, object=gone)


def _prepare_keys(application: Application) -> None:
    """Publish a key for each chosen algorithm now: validators know it before it first signs."""
    for name in ALGORITHMS:
        if alg := getattr(application, name):
            keys.enable(alg)


def _assign(application: Application, settings: Mapping[str, Any]) -> None:
    for name, value in settings.items():
        if name in LISTS:
            setattr(application, LISTS[name], "\n".join(value))
        else:
            assert name in PLAIN, name
            setattr(application, name, value)
    if application.auth_method != AuthMethod.PRIVATE_KEY_JWT and ASSERTION_ALGORITHM not in settings:
        application.token_endpoint_auth_signing_alg = ""
    fapi.settle(application, settings)
    if "scopes" in settings:
        _expand_scopes(application)
    public = application.auth_method == AuthMethod.NONE
    application.client_type = Application.CLIENT_PUBLIC if public else Application.CLIENT_CONFIDENTIAL


def _note_provenance(application: Application, provenance: Provenance) -> None:
    application.registration_source = provenance.source
    application.initial_access_token = provenance.token
    application.registration_digest = provenance.registration_digest
    application.is_vetted = False
    for name, value in provenance.software.items():
        setattr(application, name, value)


def _expand_scopes(application: Application) -> None:
    """Keep native scopes only: what a bundle or wildcard means later must not widen a client (decision C6)."""
    every = catalogue.resources_of(tenant_ref())
    named = [every[audience] for audience in application.resources if audience in every]
    try:
        application.scopes = list(catalogue.native(named or every.values(), application.scopes))
    except InvalidScope as refused:
        raise ValidationFailed(errors=[FieldError("/scopes", "ambiguous", refused.detail)]) from None


def _check(actor: Principal, application: Application, *, before: tuple[str, ...]) -> None:
    registration.check(tenant_ref(), application)
    if CLIENT_CREDENTIALS not in application.grants:
        return
    # A client that acts for itself would lend its maker what they lack (threat A6).
    known = {str(permission) for permission in Permission}
    guards.may_grant(actor, [word for word in application.scopes if word in known and word not in before])


def tenant_ref() -> TenantRef:
    tenant = selectors.by_id(scope.require_tenant())
    assert tenant is not None
    return tenant


def value_of(application: Application, name: str) -> Any:
    """Return a setting by its public name; addresses as lists."""
    if name in LISTS:
        return getattr(application, LISTS[name]).split()
    return getattr(application, name)


def describe(application: Application, *, whole: bool = False, **more: Any) -> dict[str, Any]:
    named = {name: value_of(application, name) for name in (*PLAIN, *LISTS)} if whole else {}
    kind: dict[str, Any] = {"type": application.type, "status": application.status} if whole else {}
    if whole and application.registration_source != Application.RegistrationSource.MANUAL:
        kind |= {"registration_source": application.registration_source, "is_vetted": application.is_vetted}
    head = {"id": application.public_id, "object": "application", "client_id": application.client_id}
    return {**head, "name": application.name, **kind, **named, **more}


def applications() -> QuerySet[Application]:
    return Application.objects.filter(tenant_id=scope.require_tenant())


def application(application_id: Any) -> Application:
    """Return an application of the open tenant; raises NotFound."""
    found = applications().filter(id=application_id).first()
    if found is None:
        raise NotFound
    return found
