"""Tenants: creating, changing, suspending."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from django.db import IntegrityError, transaction

from core import crypto, ids, livecache, ports, scope
from core.errors import Conflict, FieldError, ValidationFailed
from core.principal import SYSTEM, Actor, Principal
from events.services import emit
from tenants import key_rotation, keys, members
from tenants.models import Member, Tenant, TenantStatus, Workspace
from tenants.policy import TenantPolicy, canonical_domains

SLUG = re.compile(r"[a-z][a-z0-9-]{1,61}[a-z0-9]\Z")
RESERVED = frozenset({"account", "admin", "api", "dashboard", "health", "oauth", "operator", "static", "www"})
EDITABLE = (
    "name",
    "support_email",
    "support_url",
    "terms_url",
    "privacy_url",
    "metadata",
    "policy",
    "branding",
)
Created = Callable[[Tenant, Member | None], None]
_created: list[Created] = []


def on_created(hook: Created) -> Created:
    """Register what a higher app adds to each new tenant (built-in roles, its own API resource)."""
    _created.append(hook)
    return hook


def create_tenant(
    *,
    actor: Actor,
    name: str,
    slug: str,
    mode: str,
    owner_account_id: uuid.UUID | None = None,
    owner_email: str = "",
    owner_name: str = "",
    support_email: str = "",
    workspace_id: uuid.UUID | None = None,
    policy: Mapping[str, Any] | None = None,
    tenant_id: uuid.UUID | None = None,
) -> Tenant:
    """Create a tenant with keys and built-in roles, and its first owner where an account is given.

    Opens the new tenant's scope itself, so that all of it is one transaction. `tenant_id` is set by a caller
    that must be able to ask later whether it was made. Raises ValidationFailed for a bad slug, Conflict for
    one that is taken.
    """
    check_slug(slug)
    tenant_id = tenant_id or ids.uuid7()
    try:
        with scope.tenant(tenant_id):
            named = {"name": name, "slug": slug, "mode": mode, "support_email": support_email}
            tenant = _insert(tenant_id, workspace_id or _workspace(name), policy or {}, named)
            keys.create_first_keys()
            owner = _first_owner(actor, owner_account_id, owner_email, owner_name)
            for hook in _created:
                hook(tenant, owner)
            emit("tenant.created", actor=actor, object=describe(tenant, slug=slug, name=name))
            livecache.invalidate("tenant", slug, str(tenant_id))
    except IntegrityError:
        raise Conflict(f"The slug {slug} is taken. Choose another.") from None
    return tenant


def check_slug(slug: str) -> None:
    if not SLUG.match(slug) or slug in RESERVED or "--" in slug:
        detail = "3 to 63 lower-case letters, digits and single hyphens, starting with a letter; not a reserved word."
        raise ValidationFailed(errors=[FieldError("/slug", "invalid", detail)])


def _insert(
    tenant_id: uuid.UUID, workspace_id: uuid.UUID, policy: Mapping[str, Any], named: Mapping[str, str]
) -> Tenant:
    return Tenant.objects.create(
        id=tenant_id,
        workspace_id=workspace_id,
        policy=dict(policy),
        data_key=crypto.new_data_key(str(tenant_id)),
        **named,
    )


def _workspace(name: str) -> uuid.UUID:
    # bulk_create: the workspace is readable only through a tenant, which does not exist yet.
    (made,) = Workspace.objects.bulk_create([Workspace(id=ids.uuid7(), name=name)])
    return made.id


def _first_owner(actor: Actor, account_id: uuid.UUID | None, email: str, name: str) -> Member | None:
    if account_id is None:
        return None
    return members.create_member(
        actor=actor, email=email, name=name, account_id=account_id, email_verified=True
    )


def describe(tenant: Tenant, **more: Any) -> dict[str, Any]:
    return {"id": tenant.public_id, "object": "tenant", **more}


def update_tenant(
    *, actor: Principal, tenant: Tenant, changes: Mapping[str, Any], permission: str = "tenant:write"
) -> Tenant:
    """Change settings; the audit row holds before and after, and the reason in the request's context."""
    ports.authority.require(actor, permission, tenant)
    before = {field: getattr(tenant, field) for field in changes if getattr(tenant, field) != changes[field]}
    if not before:
        return tenant
    for field in before:
        assert field in EDITABLE, field
        setattr(tenant, field, changes[field])
    with transaction.atomic():
        tenant.save(update_fields=[*before, "updated_at"])
        livecache.invalidate("tenant", tenant.slug, str(tenant.id), f"{tenant.id}:policy")
        after = {field: changes[field] for field in before}
        event = "tenant.branding.updated" if before.keys() == {"branding"} else "tenant.updated"
        emit(event, actor=actor.actor, object=describe(tenant, **after), previous=before)
    return tenant


def update_policy(*, actor: Principal, tenant: Tenant, changes: Mapping[str, Any]) -> Tenant:
    """Change some values of the tenant's policy; unknown names were refused at the door.

    Raises ValidationFailed for a time beyond its limit and for what is no domain.
    """
    if "sign_up_domains" in changes:
        changes = {**changes, "sign_up_domains": canonical_domains(changes["sign_up_domains"])}
    wanted = TenantPolicy.read({**tenant.policy, **changes})
    if faults := wanted.faults(changes.keys()):
        raise ValidationFailed(errors=faults)
    merged = asdict(wanted)
    merged = {name: list(value) if isinstance(value, tuple) else value for name, value in merged.items()}
    changed = update_tenant(
        actor=actor, tenant=tenant, changes={"policy": merged}, permission="policies:write"
    )
    if "signing_key_days" in changes:
        key_rotation.reschedule()
    return changed


def suspend_tenant(*, actor: Actor = SYSTEM, tenant: Tenant, reason: str) -> None:
    """Stop a tenant's sign-ins, tokens and keys (TEN-07); called by operators in the tenant's scope."""
    _set_status(actor, tenant, TenantStatus.SUSPENDED, "tenant.suspended", reason)


def reactivate_tenant(*, actor: Actor = SYSTEM, tenant: Tenant, reason: str = "") -> None:
    """Let a suspended tenant's sign-ins, tokens and keys work again; called by operators in its scope."""
    _set_status(actor, tenant, TenantStatus.ACTIVE, "tenant.reactivated", reason)


def _set_status(actor: Actor, tenant: Tenant, status: TenantStatus, event: str, reason: str) -> None:
    before = tenant.status
    if before == status:
        return
    tenant.status = status
    tenant.save(update_fields=["status", "updated_at"])
    livecache.invalidate("tenant", tenant.slug, str(tenant.id))
    emit(event, actor=actor, object=describe(tenant, reason=reason), previous={"status": before})
