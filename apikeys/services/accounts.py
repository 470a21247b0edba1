"""Service accounts: making, changing, disabling and deleting the machines that keys act for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from apikeys.models import AccountStatus, ApiKey, ServiceAccount
from apikeys.services import keys, makers
from core import ports
from core.errors import Conflict, FieldError, ValidationFailed
from core.principal import Principal
from events.services import emit
from organizations.models import Organization
from roles.models import Scope
from roles.permissions import Permission

EDITABLE = ("name", "description", "scopes", "metadata")


@transaction.atomic
def create_service_account(
    *,
    actor: Principal,
    name: str,
    description: str = "",
    scopes: Iterable[str] = (),
    organization: Organization | None = None,
    metadata: Mapping[str, str] | None = None,
) -> ServiceAccount:
    """Make a machine; `scopes`, where given, cap all of its keys. Raises ValidationFailed, OrgMismatch."""
    ports.authority.require(actor, Permission.API_KEYS_WRITE)
    account = ServiceAccount(
        name=name,
        description=description,
        scopes=_cap(scopes),
        organization_id=makers.organization_for(actor, organization),
        created_by=actor.subject,
        metadata=dict(metadata or {}),
    )
    account.save(force_insert=True)
    _tell("service_account.created", actor, account)
    return account


@transaction.atomic
def update_service_account(*, actor: Principal, account: ServiceAccount, **changes: Any) -> ServiceAccount:
    """Change `name`, `description`, `scopes` or `metadata`; a narrower cap narrows existing keys at once.

    Raises ValidationFailed for unknown scopes, TypeError for a field that is none of these.
    """
    ports.authority.require(actor, Permission.API_KEYS_WRITE, account)
    row = _locked(account)
    before = described(row)
    for name, value in changes.items():
        if name not in EDITABLE:
            raise TypeError(f"{name} of a service account cannot be changed")
        setattr(row, name, _cap(value) if name == "scopes" else value)
    row.save(update_fields=[*changes, "updated_at"])
    if "scopes" in changes:
        _forget_keys(row)
    _tell("service_account.updated", actor, row, before)
    return row


@transaction.atomic
def disable_service_account(*, actor: Principal, account: ServiceAccount) -> ServiceAccount:
    """Refuse every key and token of the account until it is enabled again."""
    return _switch(actor, account, AccountStatus.DISABLED, "service_account.disabled")


@transaction.atomic
def enable_service_account(*, actor: Principal, account: ServiceAccount) -> ServiceAccount:
    """Take the account's keys again, those that were not revoked or run out meanwhile."""
    return _switch(actor, account, AccountStatus.ACTIVE, "service_account.updated")


def _switch(actor: Principal, account: ServiceAccount, to: AccountStatus, event: str) -> ServiceAccount:
    ports.authority.require(actor, Permission.API_KEYS_WRITE, account)
    row = _locked(account)
    if row.status is to:
        return row
    before = described(row)
    row.disabled_at = timezone.now() if to is AccountStatus.DISABLED else None
    row.save(update_fields=["disabled_at", "updated_at"])
    _forget_keys(row)
    _tell(event, actor, row, before)
    return row


@transaction.atomic
def delete_service_account(*, actor: Principal, account: ServiceAccount) -> None:
    """Revoke every key of the account and take it out of all lists."""
    ports.authority.require(actor, Permission.API_KEYS_WRITE, account)
    row = _locked(account)
    for key in ApiKey.objects.filter(tenant_id=row.tenant_id, service_account=row, revoked_at=None):
        keys.revoke_as(actor, key, "service account deleted")
    row.deleted_at = timezone.now()
    row.save(update_fields=["deleted_at", "updated_at"])
    _forget_keys(row)
    _tell("service_account.deleted", actor, row)


def _locked(account: ServiceAccount) -> ServiceAccount:
    row = ServiceAccount.objects.select_for_update().get(tenant_id=account.tenant_id, id=account.id)
    if row.deleted_at is not None:
        raise Conflict("The service account was deleted.")
    return row


def _cap(scopes: Iterable[str]) -> list[str]:
    """Return the cap as sorted words; raises ValidationFailed for one that no API resource declares."""
    words = sorted(set(scopes))
    known = set(Scope.objects.filter(value__in=words).values_list("value", flat=True))
    if unknown := [word for word in words if word not in known]:
        message = f"No API resource declares {unknown[0]!r}."
        raise ValidationFailed(errors=[FieldError("/scopes", "unknown_scope", message)])
    return words


def _forget_keys(account: ServiceAccount) -> None:
    keys.forget(*ApiKey.objects.filter(tenant_id=account.tenant_id, service_account=account))


def _tell(event: str, actor: Principal, row: ServiceAccount, before: Mapping[str, Any] | None = None) -> None:
    after = described(row)
    previous = {name: value for name, value in (before or {}).items() if after[name] != value}
    where = row.organization_id
    emit(event, actor=actor.actor, object=after, previous=previous or None, organization_id=where)


def described(account: ServiceAccount) -> dict[str, Any]:
    """Return a service account as its events show it."""
    return {
        "id": account.public_id,
        "object": "service_account",
        "name": account.name,
        "status": account.status.value,
        "scopes": list(account.scopes),
    }
