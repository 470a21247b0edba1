"""Issuing, rotating and revoking API keys. A key's text exists in the answer only; the row keeps a digest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from apikeys import lifetimes
from apikeys.lifetimes import MAX_OVERLAP, STANDARD, Expiry
from apikeys.models import AccountStatus, ApiKey, KeyStatus, ServiceAccount
from apikeys.services import makers
from core import ids, livecache, ports, secrets
from core.errors import Conflict, FieldError, ValidationFailed
from core.principal import Principal
from events.services import emit
from organizations.models import Organization, OrganizationStatus
from roles.models import ApiResource
from roles.permissions import Permission
from tenants import selectors as tenants
from tenants.models import Mode

DIGEST = "api_key"
PREFIXES = {Mode.LIVE: "sk_live_", Mode.TEST: "sk_test_"}
DAY = 86_400


@dataclass(frozen=True)
class IssuedKey:
    """A new key and, this one time, its text."""

    key: ApiKey
    secret: str = field(repr=False)


@transaction.atomic
def issue_key(
    *,
    actor: Principal,
    name: str,
    scopes: Iterable[str],
    resource: ApiResource,
    organization: Organization | None = None,
    service_account: ServiceAccount | None = None,
    expires_at: Expiry = STANDARD,
    metadata: Mapping[str, str] | None = None,
) -> IssuedKey:
    """Make a key to `resource` with `scopes`; `expires_at` None means never, STANDARD 90 days.

    Raises ValidationFailed (no or unknown scopes, a past expiry), GrantExceedsOwn (more than the actor
    has), PolicyDenied (the tenant's rules on key life), OrgMismatch, Conflict (the service account or
    organization is not active), SubjectTypeNotAllowed.
    """
    ports.authority.require(actor, Permission.API_KEYS_WRITE)
    maker = makers.maker_of(actor)
    _require_account(actor, service_account, organization)
    owner = organization or (service_account.organization if service_account else None)
    organization_id = makers.organization_for(actor, owner)
    _require_open(organization_id)
    words = makers.declared_scopes(resource, scopes)
    makers.require_within(actor, resource, words, organization_id)
    issued = _insert(
        name=name,
        scopes=words,
        resource=resource,
        organization_id=organization_id,
        service_account=service_account,
        maker_id=maker.member_id,
        maker_key=maker.key,
        created_by=actor.subject,
        expires_at=lifetimes.decide(expires_at, tenants.policy()),
        metadata=dict(metadata or {}),
    )
    emit("api_key.created", actor=actor.actor, object=described(issued.key), organization_id=organization_id)
    return issued


def _require_account(
    actor: Principal, account: ServiceAccount | None, organization: Organization | None
) -> None:
    if account is None:
        return
    ports.authority.require(actor, Permission.API_KEYS_WRITE, account)
    if account.status is not AccountStatus.ACTIVE:
        raise Conflict("The service account is disabled. Enable it, or choose another.")
    if organization is not None and organization.id != account.organization_id:
        message = "The service account does not belong to this organization."
        raise ValidationFailed(errors=[FieldError("/service_account_id", "other_organization", message)])


def _require_open(organization_id: Any) -> None:
    if organization_id is None:
        return
    if not Organization.objects.filter(id=organization_id, status=OrganizationStatus.ACTIVE).exists():
        raise Conflict("The organization is not active.")


def _insert(**fields: Any) -> IssuedKey:
    own: str = fields["resource"].key_prefix
    parsed = secrets.generate_key(own or PREFIXES[Mode(tenants.tenant().mode)])
    digest = secrets.digest(parsed.text, DIGEST)
    row = ApiKey(prefix=parsed.prefix, public_part=parsed.public_id, digest=digest, **fields)
    row.notice_due_at = lifetimes.notice_at(timezone.now(), row.expires_at)
    row.save(force_insert=True)
    return IssuedKey(row, parsed.text)


@transaction.atomic
def rotate_key(
    *, actor: Principal, key: ApiKey, overlap: int = DAY, expires_at: Expiry = STANDARD, reason: str = ""
) -> IssuedKey:
    """Replace `key` by a new one with the same scopes; the old one is taken for `overlap` more seconds.

    The new key borrows its authority from whoever rotates, who must therefore have all of its scopes.
    STANDARD gives it the life of the old one again. Raises Conflict for a key that was revoked or already
    replaced, ValidationFailed for an overlap beyond 30 days, and what issue_key raises.
    """
    ports.authority.require(actor, Permission.API_KEYS_WRITE, key)
    if not 0 <= overlap <= MAX_OVERLAP:
        message = f"Must be between 0 and {MAX_OVERLAP} seconds."
        raise ValidationFailed(errors=[FieldError("/overlap_seconds", "out_of_range", message)])
    old = _locked(key)
    if old.revoked_at is not None or old.rotated_to_id is not None:
        raise Conflict("The key was revoked or replaced before. Rotate the key that replaced it.")
    _require_account(actor, old.service_account, None)
    _require_open(old.organization_id)
    makers.require_within(actor, old.resource, old.scopes, old.organization_id)
    issued = _replacement(actor, old, expires_at)
    _retire(old, issued.key, overlap, reason)
    _tell_rotation(actor, old, issued.key)
    return issued


def _replacement(actor: Principal, old: ApiKey, expires_at: Expiry) -> IssuedKey:
    maker = makers.maker_of(actor)
    lived = (old.expires_at - old.created_at).total_seconds() if old.expires_at else 0
    standard = int(lived) or lifetimes.PRESETS[lifetimes.RECOMMENDED]
    policy = tenants.policy()
    if expires_at is STANDARD and old.expires_at is None and "never" in lifetimes.allowed_presets(policy):
        expires_at = None
    return _insert(
        name=old.name,
        scopes=old.scopes,
        resource=old.resource,
        organization_id=old.organization_id,
        service_account=old.service_account,
        maker_id=maker.member_id,
        maker_key=maker.key if maker.key and maker.key.id != old.id else old.maker_key,
        created_by=actor.subject,
        expires_at=lifetimes.decide(expires_at, policy, standard),
        rotated_from=old,
        metadata=old.metadata,
    )


def _retire(old: ApiKey, new: ApiKey, overlap: int, reason: str) -> None:
    now = timezone.now()
    old.rotated_to = new
    if overlap:
        old.overlap_until = now + timedelta(seconds=overlap)
    else:
        old.revoked_at, old.revoke_reason = now, reason or "rotated"
    old.save(update_fields=["rotated_to", "overlap_until", "revoked_at", "revoke_reason", "updated_at"])
    # What the old key made goes on under the new one: revoking the old one later must not stop it.
    ApiKey.objects.filter(tenant_id=old.tenant_id, maker_key=old).exclude(id=new.id).update(maker_key=new)
    forget(old)


def _tell_rotation(actor: Principal, old: ApiKey, new: ApiKey) -> None:
    told = {"rotated_to": new.public_id, "overlap_until": old.overlap_until}
    organization_id = old.organization_id
    emit("api_key.created", actor=actor.actor, object=described(new), organization_id=organization_id)
    emit(
        "api_key.rotated",
        actor=actor.actor,
        object=described(old) | told,
        previous={"status": KeyStatus.ACTIVE.value},
        organization_id=organization_id,
    )


@transaction.atomic
def revoke_key(*, actor: Principal, key: ApiKey, reason: str = "") -> ApiKey:
    """Stop a key, its tokens and the keys that it made, at once and for good. Revoking twice is no error."""
    ports.authority.require(actor, Permission.API_KEYS_WRITE, key)
    return revoke_as(actor, key, reason)


def revoke_as(actor: Principal, key: ApiKey, reason: str) -> ApiKey:
    """As `revoke_key`, where the caller has been allowed already (a service account being deleted)."""
    row = _locked(key)
    if row.revoked_at is None:
        before = row.status
        row.revoked_at, row.revoke_reason = timezone.now(), reason[:200]
        row.save(update_fields=["revoked_at", "revoke_reason", "updated_at"])
        forget(row)
        emit(
            "api_key.revoked",
            actor=actor.actor,
            object=described(row) | {"revoke_reason": row.revoke_reason},
            previous={"status": before.value},
            organization_id=row.organization_id,
        )
    made = ApiKey.objects.filter(tenant_id=row.tenant_id, maker_key=row, revoked_at=None).exclude(id=row.id)
    for child in made.order_by("id"):
        revoke_as(actor, child, reason or f"made by {row.public_id}")
    return row


def _locked(key: ApiKey) -> ApiKey:
    rows = ApiKey.objects.select_for_update(of=("self",)).select_related("service_account", "resource")
    return rows.get(tenant_id=key.tenant_id, id=key.id)


def forget(*keys: ApiKey) -> None:
    """Let every process read these keys anew; in the transaction that changed them."""
    names = [name for key in keys for name in (key.public_part, key.public_id)]
    if names:
        livecache.invalidate("api_key", *names)


def described(key: ApiKey) -> dict[str, Any]:
    """Return a key as its events show it."""
    account = key.service_account_id
    return {
        "id": key.public_id,
        "object": "api_key",
        "name": key.name,
        "hint": key.hint,
        "status": key.status.value,
        "scopes": list(key.scopes),
        "audience": key.resource.audience,
        "service_account_id": ids.encode(ServiceAccount.PREFIX, account) if account else None,
        "expires_at": key.expires_at,
    }
