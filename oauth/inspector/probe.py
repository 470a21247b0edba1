"""What a token is tried against: a permission, a scope of an API resource, or an operation of `/v1`."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import Resolver404, resolve

from core.api.endpoint import EVERYONE, Operation
from core.errors import FieldError, ValidationFailed
from core.principal import SubjectType
from oauth.catalogue import resources_of
from tenants.selectors import TenantRef
from tenants.tokens import control_plane_audience

METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}


@dataclass(frozen=True)
class Probe:
    """`organization` is the public id that an operation's address names."""

    permission: str
    audience: str
    is_ours: bool
    subject_types: frozenset[SubjectType] = EVERYONE
    organization: str = ""


def read(tenant: TenantRef, text: str) -> Probe | None:
    """Read `members:read` or `GET /v1/members`; None for nothing. Raises ValidationFailed."""
    text = text.strip()
    if not text:
        return None
    method, _space, path = text.partition(" ")
    return _operation(tenant, method.upper(), path.strip()) if path else _permission(tenant, text)


def _permission(tenant: TenantRef, word: str) -> Probe:
    for resource in resources_of(tenant).values():
        if word in resource.scopes:
            return Probe(word, resource.audience, resource.audience == control_plane_audience(tenant))
    raise _unknown("No API of this tenant has this scope.")


def _operation(tenant: TenantRef, method: str, path: str) -> Probe:
    found, arguments = _resolve(tenant, method, path)
    spec: Operation | None = getattr(getattr(found, method.lower(), None), "operation", None)
    if spec is None or spec.public:
        raise _unknown("There is no operation that takes a credential at this address.")
    named = arguments.get(getattr(found, "organization_in_path", ""), "")
    return Probe(spec.scope, control_plane_audience(tenant), True, spec.subject_types, named)


def _resolve(tenant: TenantRef, method: str, path: str) -> tuple[object, dict[str, str]]:
    if method not in METHODS:
        raise _unknown("Begin with a method, as in GET /v1/members.")
    below = path.partition("?")[0].removeprefix(tenant.issuer).removeprefix(f"/t/{tenant.slug}")
    try:
        match = resolve(below)
    except Resolver404:
        raise _unknown("There is no operation at this address.") from None
    return getattr(match.func, "cls", None), match.kwargs


def _unknown(detail: str) -> ValidationFailed:
    return ValidationFailed(errors=[FieldError("/operation", "unknown", detail)])
