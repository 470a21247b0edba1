"""Keys that expire soon are told of, once each (KEY-11), so that somebody rotates them in time."""

from __future__ import annotations

import uuid

from django.db import connections
from django.utils import timezone

from apikeys.models import ApiKey, KeyStatus
from apikeys.services.keys import described
from core import scope
from core.housekeeping import sweep
from core.principal import SYSTEM
from events.services import Draft, emit_many

TENANTS, BATCH = 100, 500
_DUE = "SELECT DISTINCT tenant_id FROM apikeys_apikey WHERE notice_due_at <= now() LIMIT %s"


@sweep("expiring_api_keys")
def tell_of_expiring() -> int:
    """Tell of every key whose notice is due, tenant by tenant; returns how many keys were looked at."""
    with scope.relay(), connections["relay"].cursor() as cursor:
        cursor.execute(_DUE, [TENANTS])
        tenants = [row[0] for row in cursor.fetchall()]
    return sum(_tell_in(tenant_id) for tenant_id in tenants)


def _tell_in(tenant_id: uuid.UUID) -> int:
    """Tell of the due keys of a tenant. A row that another run holds is its to tell, and no longer due after it."""
    with scope.tenant(tenant_id):
        due = ApiKey.objects.select_for_update(skip_locked=True, of=("self",)).filter(
            tenant_id=tenant_id, notice_due_at__lte=timezone.now()
        )
        keys = list(due.select_related("resource").order_by("id")[:BATCH])
        ApiKey.objects.filter(tenant_id=tenant_id, id__in=[key.id for key in keys]).update(notice_due_at=None)
        emit_many([_notice(key) for key in keys if key.status is KeyStatus.ACTIVE])
    return len(keys)


def _notice(key: ApiKey) -> Draft:
    return Draft("api_key.expiring", SYSTEM, described(key), organization_id=key.organization_id)
