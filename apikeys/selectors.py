"""Reading keys and service accounts, in the open scope: an organization's scope shows only its own."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.db.models import Q, QuerySet
from django.utils import timezone

from apikeys.models import ApiKey, KeyStatus, ServiceAccount
from core import scope
from core.errors import NotFound


def api_keys() -> QuerySet[ApiKey]:
    rows = ApiKey.objects.filter(tenant_id=scope.require_tenant())
    return rows.select_related("service_account", "resource", "organization")


def api_key(key_id: uuid.UUID) -> ApiKey:
    """Return a key; raises NotFound."""
    found = api_keys().filter(id=key_id).first()
    if found is None:
        raise NotFound
    return found


def with_status(rows: QuerySet[ApiKey], statuses: Iterable[str]) -> QuerySet[ApiKey]:
    """Narrow to keys that have one of these statuses now; the same rule as `ApiKey.status`, in SQL."""
    now = timezone.now()
    revoked = Q(revoked_at__isnull=False)
    over = ~revoked & (Q(expires_at__lte=now) | Q(overlap_until__lte=now))
    alive = (
        Q(revoked_at=None)
        & (Q(expires_at=None) | Q(expires_at__gt=now))
        & (Q(overlap_until=None) | Q(overlap_until__gt=now))
    )
    tests = {
        KeyStatus.REVOKED: revoked,
        KeyStatus.EXPIRED: over,
        KeyStatus.ACTIVE: alive & Q(rotated_to=None),
        KeyStatus.ROTATING: alive & Q(rotated_to__isnull=False),
    }
    wanted = Q()
    for status in statuses:
        wanted |= tests[KeyStatus(status)]
    return rows.filter(wanted)


def service_accounts() -> QuerySet[ServiceAccount]:
    rows = ServiceAccount.objects.filter(tenant_id=scope.require_tenant(), deleted_at=None)
    return rows.select_related("organization")


def service_account(account_id: uuid.UUID) -> ServiceAccount:
    """Return a service account that was not deleted; raises NotFound."""
    found = service_accounts().filter(id=account_id).first()
    if found is None:
        raise NotFound
    return found


def keys_of(account: ServiceAccount) -> QuerySet[ApiKey]:
    return api_keys().filter(service_account=account)
