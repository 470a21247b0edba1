"""What of API resources and scopes applications have: it cannot be deleted under them."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import ngettext

from oauth.models import Application
from roles.models import ApiResource, Scope
from roles.resources import reports_uses


@reports_uses
def by_applications(resource: ApiResource, scope: Scope | None) -> list[str]:
    audience = resource.audience
    named = Q(resources__contains=[audience])
    if scope is None:
        named |= Q(introspection_audiences__contains=[audience])
    else:
        named &= Q(scopes__contains=[scope.value])
    count = Application.objects.filter(named, tenant_id=resource.tenant_id).count()
    if not count:
        return []
    return [ngettext("%(n)d application uses it.", "%(n)d applications use it.", count) % {"n": count}]
