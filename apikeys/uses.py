"""What of API resources and scopes living keys have: it cannot be deleted under them."""

from __future__ import annotations

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import ngettext

from apikeys.models import ApiKey
from roles.models import ApiResource, Scope
from roles.resources import reports_uses


@reports_uses
def by_keys(resource: ApiResource, scope: Scope | None) -> list[str]:
    live = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    rows = ApiKey.objects.filter(live, tenant_id=resource.tenant_id, resource=resource, revoked_at=None)
    if scope is not None:
        rows = rows.filter(scopes__contains=[scope.value])
    count = rows.count()
    if not count:
        return []
    return [ngettext("%(n)d API key uses it.", "%(n)d API keys use it.", count) % {"n": count}]
