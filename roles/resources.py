"""API resources (resource servers) and their scopes. A scope belongs to one resource (decision C6)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction

from core import livecache, ports
from core.errors import Conflict, FieldError, ValidationFailed
from core.principal import Principal
from core.urls import issuer
from events.services import emit
from roles import selectors
from roles.errors import ControlPlaneFixed
from roles.models import ApiResource, Scope
from roles.permissions import DESCRIPTIONS, Permission
from tenants.models import Tenant

SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,120}\Z")  # RFC 6749 §3.3
ALGORITHMS = ("ES256", "RS256", "PS256", "EdDSA")


def create_control_plane(tenant: Tenant) -> ApiResource:
    """Make the tenant's own `/v1` a resource like any other, with the closed vocabulary as its scopes."""
    audience = f"{issuer(tenant.slug)}/v1"
    resource = ApiResource.objects.create(audience=audience, name="Claviger API", is_control_plane=True)
    Scope.objects.bulk_create(
        Scope(resource=resource, value=word.value, description=DESCRIPTIONS[word]) for word in Permission
    )
    return resource


def create_resource(
    *,
    actor: Principal,
    audience: str,
    name: str,
    token_lifetime: int | None = None,
    signing_alg: str = "ES256",
    metadata: Mapping[str, str] | None = None,
) -> ApiResource:
    """Create an API resource; `token_lifetime` is in seconds, None takes the tenant's.

    Raises ValidationFailed for an audience that is no absolute URI, Conflict for one that is taken.
    """
    ports.authority.require(actor, Permission.ROLES_WRITE)
    check_audience(audience)
    resource = ApiResource(
        audience=audience,
        name=name,
        token_lifetime=token_lifetime,
        signing_alg=signing_alg,
        metadata=dict(metadata or {}),
    )
    with transaction.atomic():
        unique(resource.save, f"There is an API resource with the audience {audience} already.")
        forget(resource)
        emit("resource_server.created", actor=actor.actor, object=describe(resource))
    return resource


def check_audience(audience: str) -> None:
    """RFC 8707 §2: an absolute URI without a fragment; nobody may pose as our own API."""
    parts = urlsplit(audience)
    if not parts.scheme or not (parts.netloc or parts.path) or parts.fragment or "#" in audience:
        detail = "Must be an absolute URI without a fragment, such as https://api.example.com."
        raise ValidationFailed(errors=[FieldError("/audience", "invalid", detail)])


def unique(save: Any, message: str) -> None:
    try:
        with transaction.atomic():
            save()
    except IntegrityError:
        raise Conflict(message) from None


def update_resource(*, actor: Principal, resource: ApiResource, changes: Mapping[str, Any]) -> ApiResource:
    """Change name, token lifetime, signing algorithm or metadata; the audience stays what it is."""
    changeable(actor, resource)
    before = {name: getattr(resource, name) for name in changes if getattr(resource, name) != changes[name]}
    if not before:
        return resource
    for name in before:
        setattr(resource, name, changes[name])
    with transaction.atomic():
        resource.save(update_fields=[*before, "updated_at"])
        previous = {"lifetime" if name == "token_lifetime" else name: value for name, value in before.items()}
        forget(resource)
        emit("resource_server.updated", actor=actor.actor, object=describe(resource), previous=previous)
    return resource


def delete_resource(*, actor: Principal, resource: ApiResource) -> None:
    """Delete a resource with its scopes; raises Conflict while something still refers to it."""
    changeable(actor, resource)
    try:
        with transaction.atomic():
            gone = describe(resource)
            ApiResource.objects.filter(id=resource.id).delete()
            forget(resource)
            emit("resource_server.deleted", actor=actor.actor, object=gone)
    except IntegrityError:
        raise Conflict("Keys or applications still use this API resource. End them first.") from None


def create_scope(*, actor: Principal, resource: ApiResource, value: str, description: str = "") -> Scope:
    """Add a scope, compared as a whole token. Raises ValidationFailed, Conflict."""
    changeable(actor, resource)
    if not SCOPE_TOKEN.match(value):
        detail = "1 to 120 visible ASCII characters without quotes and backslashes (RFC 6749 section 3.3)."
        raise ValidationFailed(errors=[FieldError("/value", "invalid", detail)])
    scope = Scope(resource=resource, value=value, description=description)
    with transaction.atomic():
        unique(scope.save, f"This API resource has the scope {value} already.")
        forget(resource)
        emit("scope.created", actor=actor.actor, object=describe_scope(scope, resource))
    return scope


def update_scope(*, actor: Principal, resource: ApiResource, scope: Scope, description: str) -> Scope:
    changeable(actor, resource)
    before, scope.description = scope.description, description
    if before == description:
        return scope
    with transaction.atomic():
        scope.save(update_fields=["description", "updated_at"])
        shown = describe_scope(scope, resource)
        forget(resource)
        emit("scope.updated", actor=actor.actor, object=shown, previous={"description": before})
    return scope


def delete_scope(*, actor: Principal, resource: ApiResource, scope: Scope) -> None:
    changeable(actor, resource)
    with transaction.atomic():
        gone = describe_scope(scope, resource)
        Scope.objects.filter(id=scope.id).delete()
        forget(resource)
        emit("scope.deleted", actor=actor.actor, object=gone)


def forget(resource: ApiResource) -> None:
    """Make every process read the tenant's resources and scopes anew."""
    livecache.invalidate("api_resource", str(resource.tenant_id))


def changeable(actor: Principal, resource: ApiResource) -> None:
    ports.authority.require(actor, Permission.ROLES_WRITE, resource)
    if resource.is_control_plane:
        raise ControlPlaneFixed


def describe(resource: ApiResource) -> dict[str, Any]:
    return {
        "id": resource.public_id,
        "object": "api_resource",
        "name": resource.name,
        "audience": resource.audience,
        "signing_alg": resource.signing_alg,
        "lifetime": resource.token_lifetime,
        "metadata": resource.metadata,
    }


def describe_scope(scope: Scope, resource: ApiResource) -> dict[str, Any]:
    return {
        "id": scope.public_id,
        "object": "scope",
        "value": scope.value,
        "description": scope.description,
        "resource": resource.public_id,
    }


def control_plane() -> ApiResource:
    """Return the resource that stands for the open tenant's own `/v1`."""
    return selectors.api_resources().get(is_control_plane=True)
