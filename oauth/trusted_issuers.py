"""Trusted outside issuers of a tenant: set up, changed, disabled and deleted (ORG-13).

Whoever decides for an issuer's keys or roles can become anybody it speaks for, so that needs every permission
of those people and roles (threat A6).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from core import ids, jobs, livecache, outbound, ports, scope
from core.errors import Conflict, FieldError, NotFound, ValidationFailed
from core.livecache import LiveCache
from core.principal import Principal
from core.uniqueness import unique_or
from events.services import emit
from oauth.clients import in_tenant
from oauth.models import ExternalIdentity, TrustedIssuer
from oauth.outside_tokens import ALGORITHMS, Issuer
from oauth.trusted_issuer_presets import KNOWN
from organizations.models import Organization
from roles import authority, guards
from roles import selectors as role_selectors
from roles.models import Role, RoleAssignment
from roles.permissions import Permission
from tenants import selectors
from tenants.selectors import TenantRef

TOPIC = "trusted_issuer"
MEANINGS = ("subject", "email", "name", "organization", "roles")
SETTINGS = (
    "name", "audiences", "jwks_uri", "algorithms", "claims", "required_claims", "roles", "create_members",
    "trust_email", "takes_id_tokens", "metadata",
)  # fmt: skip
HARMLESS = frozenset({"name", "metadata"})
MOST = 50
_issuers: LiveCache[Issuer | None] = LiveCache(TOPIC)


def create_issuer(
    *,
    actor: Principal,
    name: str,
    issuer: str,
    preset: str = "oidc",
    organization: Organization | None = None,
    **settings: Any,
) -> TrustedIssuer:
    """Trust an issuer; what `settings` leave out takes the preset's values.

    Raises ValidationFailed with every fault, GrantExceedsOwn for a role beyond the actor's own, and Conflict
    for an issuer that is trusted already.
    """
    ports.authority.require(actor, Permission.POLICIES_WRITE)
    known = KNOWN[preset]
    row = TrustedIssuer(name=name, issuer=issuer, preset=preset, organization=organization)
    row.jwks_uri, row.algorithms = known.jwks_uri, list(known.algorithms)
    row.claims = {**row.claims, **known.claims}
    row.required_claims = dict(known.required)
    for field, value in settings.items():
        assert field in SETTINGS, field
        setattr(row, field, value)
    _check(row)
    _may_decide(actor, row)
    with transaction.atomic():
        with unique_or(Conflict("This issuer is trusted already.")):
            row.save(force_insert=True)
        _forget(row)
        emit("trusted_issuer.created", actor=actor.actor, object=describe(row, whole=True))
    return row


def update_issuer(*, actor: Principal, issuer: TrustedIssuer, changes: Mapping[str, Any]) -> TrustedIssuer:
    """Change settings; issuer, preset and organization stay. Raises as `create_issuer`."""
    ports.authority.require(actor, Permission.POLICIES_WRITE, issuer)
    before = {name: getattr(issuer, name) for name in changes if getattr(issuer, name) != changes[name]}
    if not before:
        return issuer
    decides = bool(before.keys() - HARMLESS)
    if decides:
        _may_decide(actor, issuer)
    for name in before:
        assert name in SETTINGS, name
        setattr(issuer, name, changes[name])
    _check(issuer)
    if decides:
        _may_decide(actor, issuer)
    with transaction.atomic():
        issuer.save()
        _forget(issuer)
        now = describe(issuer, **{name: changes[name] for name in before})
        emit("trusted_issuer.updated", actor=actor.actor, object=now, previous=before)
    return issuer


def disable_issuer(*, actor: Principal, issuer: TrustedIssuer) -> TrustedIssuer:
    """Take nothing of this issuer any more, and end what was issued on its word (threat F6)."""
    return _switch(actor, issuer, "trusted_issuer.disabled", timezone.now())


def enable_issuer(*, actor: Principal, issuer: TrustedIssuer) -> TrustedIssuer:
    """Trust a disabled issuer again. Raises GrantExceedsOwn for a mapped role beyond the actor's own."""
    _may_decide(actor, issuer)
    return _switch(actor, issuer, "trusted_issuer.enabled", None)


def _switch(actor: Principal, issuer: TrustedIssuer, event: str, at: Any) -> TrustedIssuer:
    ports.authority.require(actor, Permission.POLICIES_WRITE, issuer)
    if (issuer.disabled_at is None) == (at is None):
        return issuer
    before, issuer.disabled_at = issuer.status, at
    with transaction.atomic():
        issuer.save(update_fields=["disabled_at", "updated_at"])
        _forget(issuer)
        now = describe(issuer, status=issuer.status)
        emit(event, actor=actor.actor, object=now, previous={"status": before})
    return issuer


def delete_issuer(*, actor: Principal, issuer: TrustedIssuer) -> None:
    """Delete an issuer with the identities that hang on it; the members stay."""
    ports.authority.require(actor, Permission.POLICIES_WRITE, issuer)
    with transaction.atomic():
        gone = describe(issuer, whole=True)
        _forget(issuer)
        TrustedIssuer.objects.filter(id=issuer.id).delete()
        emit("trusted_issuer.deleted", actor=actor.actor, object=gone)


def promise_check(*, actor: Principal, issuer: TrustedIssuer) -> None:
    """Have a worker see whether the issuer's keys can be had; the row tells the result."""
    ports.authority.require(actor, Permission.POLICIES_WRITE, issuer)
    jobs.enqueue("oauth.check_trusted_issuer", {"issuer": str(issuer.id)}, unique_key=f"check:{issuer.id}")


# --- who may, and what fits ------------------------------------------------------------------------------


def _may_decide(actor: Principal, issuer: TrustedIssuer) -> None:
    """Raise GrantExceedsOwn or OwnerRequired unless the actor may be anybody the issuer speaks for."""
    for role in mapped_roles(issuer):
        guards.may_grant(actor, role_selectors.granted(role, issuer.organization_id))
    linked = ExternalIdentity.objects.filter(trusted_issuer=issuer).values("member_id")
    powerful = RoleAssignment.objects.filter(member_id__in=linked).values_list("member_id", "organization_id")
    for member_id, organization_id in powerful.distinct():
        guards.may_grant(actor, authority.permissions_of(member_id, organization_id))
        if guards.owns(member_id, organization_id):
            guards.decides_about_owners(actor, organization_id)


def mapped_roles(issuer: TrustedIssuer) -> list[Role]:
    """Return the roles that the issuer's claims may give."""
    wanted = {_role_id(text) for text in issuer.roles.values()}
    return list(role_selectors.roles().filter(id__in=[role_id for role_id in wanted if role_id]))


def _role_id(text: Any) -> uuid.UUID | None:
    try:
        return ids.decode(Role.PREFIX, str(text))
    except ids.MalformedId:
        return None


def _check(row: TrustedIssuer) -> None:
    faults = [*_addresses(row), *_lists(row), *_mapping(row), *_roles(row)]
    if faults:
        raise ValidationFailed(errors=faults)


def _addresses(row: TrustedIssuer) -> Iterable[FieldError]:
    known = KNOWN[row.preset]
    if not known.pattern.match(row.issuer) or "?" in row.issuer or "#" in row.issuer:
        yield FieldError("/issuer", "invalid", f"An issuer of this kind looks like {known.example}")
    elif not _may_be_called(row.issuer):
        yield FieldError("/issuer", "invalid", "Use a public https address.")
    if row.issuer == tenant_ref().issuer:
        yield FieldError("/issuer", "not_allowed", "This tenant's own tokens need no such trust.")
    if row.jwks_uri and not _may_be_called(row.jwks_uri):
        yield FieldError("/jwks_uri", "invalid", "Use a public https address.")


def _may_be_called(address: str) -> bool:
    try:
        outbound.validate_url(address)
    except outbound.OutboundRefused:
        return False
    return True


def _lists(row: TrustedIssuer) -> Iterable[FieldError]:
    if not 0 < len(row.audiences) <= MOST:
        yield FieldError("/audiences", "required", f"Name one to {MOST} client ids that tokens must be for.")
    if not row.algorithms or any(word not in ALGORITHMS for word in row.algorithms):
        yield FieldError("/algorithms", "invalid", f"Name some of {', '.join(ALGORITHMS)}.")


def _mapping(row: TrustedIssuer) -> Iterable[FieldError]:
    if unknown := [name for name in row.claims if name not in MEANINGS]:
        yield FieldError(f"/claims/{unknown[0][:60]}", "unknown", f"Known are {', '.join(MEANINGS)}.")
    if not row.claims.get("subject"):
        yield FieldError("/claims/subject", "required", "Say which claim is the person's key at the issuer.")
    if row.organization_id and row.claims.get("organization"):
        yield FieldError("/claims/organization", "not_allowed", "This issuer speaks for one organization.")


def _roles(row: TrustedIssuer) -> Iterable[FieldError]:
    found = {role.public_id: role for role in mapped_roles(row)}
    for value, role_id in row.roles.items():
        role = found.get(str(role_id))
        if role is None or role.organization_id not in (None, row.organization_id):
            yield FieldError(f"/roles/{value[:60]}", "unknown", "There is no such role here.")
        elif guards.is_owner_role(role):
            yield FieldError(f"/roles/{value[:60]}", "not_allowed", "Ownership is never given by an issuer.")


# --- reading ---------------------------------------------------------------------------------------------


def tenant_ref() -> TenantRef:
    tenant = selectors.by_id(scope.require_tenant())
    assert tenant is not None
    return tenant


def issuers() -> QuerySet[TrustedIssuer]:
    return TrustedIssuer.objects.filter(tenant_id=scope.require_tenant())


def issuer(issuer_id: uuid.UUID) -> TrustedIssuer:
    """Return a trusted issuer of the open tenant; raises NotFound."""
    found = issuers().filter(id=issuer_id).first()
    if found is None:
        raise NotFound
    return found


def live(tenant: TenantRef, name: str) -> Issuer | None:
    """Return the trusted issuer of this name unless it is unknown or disabled; remembered, needs no scope."""
    if not 0 < len(name) <= 500 or "\x00" in name:
        return None
    return _issuers.get(f"{tenant.id}:{name}", lambda: _load(tenant, name))


def _load(tenant: TenantRef, name: str) -> Issuer | None:
    with in_tenant(tenant.id):
        row = issuers().filter(issuer=name, disabled_at=None).first()
        return snapshot(row) if row else None


def snapshot(row: TrustedIssuer) -> Issuer:
    return Issuer(
        id=row.id,
        public_id=row.public_id,
        issuer=row.issuer,
        audiences=frozenset(row.audiences),
        jwks_uri=row.jwks_uri,
        algorithms=tuple(row.algorithms),
        claims=dict(row.claims),
        required=dict(row.required_claims),
        takes_id_tokens=row.takes_id_tokens,
    )


def _forget(row: TrustedIssuer) -> None:
    livecache.invalidate(TOPIC, f"{row.tenant_id}:{row.issuer}")


def describe(row: TrustedIssuer, *, whole: bool = False, **more: Any) -> dict[str, Any]:
    head: dict[str, Any] = {"id": row.public_id, "object": "trusted_issuer"}
    head |= {"name": row.name, "issuer": row.issuer}
    if whole:
        organization = ids.encode("org", row.organization_id) if row.organization_id else None
        head |= {"preset": row.preset, "organization": organization, "status": row.status}
        head |= {name: getattr(row, name) for name in SETTINGS}
    return {**head, **more}
