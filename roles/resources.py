"""API resources (resource servers) and their scopes. A scope belongs to one resource (decision C6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction

from core import livecache, ports
from core.errors import Conflict, FieldError, ValidationFailed
from core.principal import Principal
from core.uniqueness import unique_or
from core.urls import issuer
from events.services import emit
from roles import resource_settings, scope_words, selectors
from roles.errors import ControlPlaneFixed, InUse
from roles.models import ApiResource, Scope
from roles.permissions import DESCRIPTIONS, Permission
from tenants import keys
from tenants import selectors as tenants
from tenants.models import Tenant

SETTINGS = (
    "name", "token_lifetime", "signing_alg", "documentation_url", "accepted_token_types", "id_token_clients",
    "error_dialect", "token_binding", "key_prefix", "acr_values", "max_age", "claim_mapping", "metadata",
)  # fmt: skip
MOST_FEATURES = 20
Uses = Callable[[ApiResource, Scope | None], list[str]]
_uses: list[Uses] = []


def reports_uses(function: Uses) -> Uses:
    """Register what says, in words, which live things of an app above refer to a resource or a scope."""
    _uses.append(function)
    return function


def uses_of(resource: ApiResource, scope: Scope | None = None) -> list[str]:
    return [sentence for report in _uses for sentence in report(resource, scope)]


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
    metadata: Mapping[str, str] | None = None,
    **settings: Any,
) -> ApiResource:
    """Create an API resource; `settings` are those of SETTINGS. Times are seconds, None takes the tenant's.

    Raises ValidationFailed with every fault, Conflict for an audience that is taken.
    """
    ports.authority.require(actor, Permission.ROLES_WRITE)
    tenant = tenants.by_id(actor.tenant_id)
    assert tenant is not None
    resource_settings.check_audience(audience, tenant.issuer)
    resource = ApiResource(audience=audience, name=name, metadata=dict(metadata or {}))
    assign(resource, settings)
    resource_settings.check(resource)
    with transaction.atomic():
        with unique_or(Conflict(f"There is an API resource with the audience {audience} already.")):
            resource.save()
        keys.enable(resource.signing_alg)
        forget(resource)
        emit("resource_server.created", actor=actor.actor, object=describe(resource))
    return resource


def assign(resource: ApiResource, settings: Mapping[str, Any]) -> None:
    for name, value in settings.items():
        assert name in SETTINGS, name
        setattr(resource, name, value)


def update_resource(*, actor: Principal, resource: ApiResource, changes: Mapping[str, Any]) -> ApiResource:
    """Change settings; the audience stays what it is. Of the tenant's own `/v1` only those of OWN_API.

    Raises ValidationFailed with every fault, ControlPlaneFixed.
    """
    ports.authority.require(actor, Permission.ROLES_WRITE, resource)
    if resource.is_control_plane and changes.keys() - resource_settings.OWN_API:
        raise ControlPlaneFixed
    before = {name: getattr(resource, name) for name in changes if getattr(resource, name) != changes[name]}
    if not before:
        return resource
    assign(resource, {name: changes[name] for name in before})
    resource_settings.check(resource)
    with transaction.atomic():
        resource.save(update_fields=[*before, "updated_at"])
        if "signing_alg" in before:
            keys.enable(resource.signing_alg)
        previous = {"lifetime" if name == "token_lifetime" else name: value for name, value in before.items()}
        forget(resource)
        emit("resource_server.updated", actor=actor.actor, object=describe(resource), previous=previous)
    return resource


def delete_resource(*, actor: Principal, resource: ApiResource) -> None:
    """Delete a resource with its scopes; raises InUse while keys or applications refer to it."""
    changeable(actor, resource)
    refuse_used(resource)
    try:
        with transaction.atomic():
            gone = describe(resource)
            ApiResource.objects.filter(id=resource.id).delete()
            forget(resource)
            emit("resource_server.deleted", actor=actor.actor, object=gone)
    except IntegrityError:
        raise InUse("Keys still refer to this API resource.") from None


def refuse_used(resource: ApiResource, scope: Scope | None = None) -> None:
    if used := uses_of(resource, scope):
        raise InUse(" ".join(used))


def create_scope(
    *,
    actor: Principal,
    resource: ApiResource,
    value: str,
    description: str = "",
    bundles: Sequence[str] = (),
    features: Sequence[str] = (),
) -> Scope:
    """Add a scope, compared as a whole token, or a bundle of others. Raises ValidationFailed, Conflict."""
    changeable(actor, resource)
    scope = Scope(
        resource=resource,
        value=value,
        description=description,
        bundles=list(bundles),
        features=list(features),
    )
    check_scope(resource, scope, selectors.declared_in(resource))
    with transaction.atomic():
        with unique_or(Conflict(f"This API resource has the scope {value} already.")):
            scope.save()
        forget(resource)
        emit("scope.created", actor=actor.actor, object=describe_scope(scope, resource))
    return scope


def check_scope(resource: ApiResource, scope: Scope, declared: Mapping[str, Sequence[str]]) -> None:
    """Raise ValidationFailed unless the scope may stand beside those declared already."""
    faults = []
    if not scope_words.TOKEN.match(scope.value):
        detail = "1 to 120 visible ASCII characters without quotes and backslashes (RFC 6749 section 3.3)."
        faults.append(FieldError("/value", "invalid", detail))
    elif scope.value.endswith(scope_words.WILDCARD):
        detail = "A wildcard needs no declaration: it stands for every scope that begins so."
        faults.append(FieldError("/value", "wildcard", detail))
    if fault := scope_words.bundle_fault(scope.value, scope.bundles, declared):
        faults.append(FieldError("/bundles", "invalid", fault))
    elif scope.bundles and (inside := [value for value in declared if scope.value in declared[value]]):
        faults.append(FieldError("/bundles", "invalid", f"{inside[0]} bundles this scope."))
    if len(scope.features) > MOST_FEATURES or any(
        not word or len(word) > 80 or not word.isprintable() for word in scope.features
    ):
        faults.append(FieldError("/features", "invalid", f"At most {MOST_FEATURES} names of 80 characters."))
    if faults:
        raise ValidationFailed(errors=faults)


def update_scope(
    *, actor: Principal, resource: ApiResource, scope: Scope, changes: Mapping[str, Any]
) -> Scope:
    """Change description, features, or what a bundle stands for. Raises ValidationFailed; a native scope never
    becomes a bundle, nor a bundle a native scope.
    """
    changeable(actor, resource)
    before = {name: getattr(scope, name) for name in changes if getattr(scope, name) != changes[name]}
    if not before:
        return scope
    if "bundles" in before and bool(scope.bundles) != bool(changes["bundles"]):
        detail = "A scope stays what it is: add a bundle under another name."
        raise ValidationFailed(errors=[FieldError("/bundles", "fixed", detail)])
    for name in before:
        setattr(scope, name, changes[name])
    check_scope(resource, scope, selectors.declared_in(resource))
    with transaction.atomic():
        scope.save(update_fields=[*before, "updated_at"])
        forget(resource)
        emit("scope.updated", actor=actor.actor, object=describe_scope(scope, resource), previous=before)
    return scope


def delete_scope(*, actor: Principal, resource: ApiResource, scope: Scope) -> None:
    """Delete a scope; raises InUse while a bundle, a key or an application has it."""
    changeable(actor, resource)
    declared = selectors.declared_in(resource)
    if holding := sorted(value for value in declared if scope.value in declared[value]):
        raise InUse(f"The bundle {holding[0]} stands for it.")
    refuse_used(resource, scope)
    with transaction.atomic():
        gone = describe_scope(scope, resource)
        Scope.objects.filter(id=scope.id).delete()
        forget(resource)
        emit("scope.deleted", actor=actor.actor, object=gone)


def forget(resource: ApiResource) -> None:
    """Make every process read the tenant's resources and scopes anew."""
    livecache.invalidate("api_resource", str(resource.tenant_id), str(resource.id))


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
        "lifetime": resource.token_lifetime,
        **{name: getattr(resource, name) for name in SETTINGS if name not in ("name", "token_lifetime")},
    }


def describe_scope(scope: Scope, resource: ApiResource) -> dict[str, Any]:
    return {
        "id": scope.public_id,
        "object": "scope",
        "value": scope.value,
        "description": scope.description,
        "bundles": scope.bundles,
        "features": scope.features,
        "resource": resource.public_id,
    }


def control_plane() -> ApiResource:
    """Return the resource that stands for the open tenant's own `/v1`."""
    return selectors.api_resources().get(is_control_plane=True)
