"""`manage.py tenant suspend|reactivate SLUG`: stops a whole tenant and starts it again, for operators (TEN-07)."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core import scope
from tenants import selectors, services
from tenants.models import TenantStatus

ACTS = {
    "suspend": (TenantStatus.SUSPENDED, services.suspend_tenant),
    "reactivate": (TenantStatus.ACTIVE, services.reactivate_tenant),
}


class Command(BaseCommand):
    help = (
        "Suspend a tenant: its sign-ins, tokens and API keys stop within seconds and its pages say so; nothing is"
        " deleted. Or reactivate it. Both are in the tenant's audit log with the reason."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("act", choices=sorted(ACTS))
        parser.add_argument("slug", help="The tenant's slug, as in its addresses.")
        parser.add_argument("--reason", required=True, help="Kept in the audit log, which the tenant reads.")

    def handle(self, *_: Any, act: str, slug: str, reason: str, **options: Any) -> None:
        found = selectors.by_slug(slug)
        if found is None:
            raise CommandError(f"No tenant has the slug {slug}.")
        if not reason.strip() or len(reason) > 300:
            raise CommandError("--reason takes 1 to 300 characters.")
        wanted, change = ACTS[act]
        with scope.tenant(found.id):
            tenant = selectors.tenant()
            is_done = tenant.status == wanted
            change(tenant=tenant, reason=reason)
        self.stdout.write(f"{slug} {'was' if is_done else 'is now'} {wanted.value}.")
