"""Moves sealed values to new keys: those of the platform, and each tenant's own (TEN-09)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.operations import resealing
from core import scope
from core.principal import SYSTEM
from tenants import selectors
from tenants.data_keys import rotate
from tenants.models import Tenant


class Command(BaseCommand):
    help = (
        "Seal anew what lies under older keys of SECRET_KEYS: add the new key in front, restart every process,"
        " run this, then take the old key away. Backups from before still need it. With --data-keys tenants get"
        " new keys of their own first."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--data-keys", action="store_true", help="Give tenants a new data key first.")
        parser.add_argument("--tenant", default="", help="With --data-keys: only the tenant with this slug.")

    def handle(self, *args: Any, data_keys: bool, tenant: str, **options: Any) -> None:
        if tenant and not data_keys:
            raise CommandError("--tenant goes with --data-keys.")
        if data_keys:
            self._rotate_data_keys(tenant)
        for place, count in resealing.reseal_all().items():
            self.stdout.write(f"{place}: {count} sealed anew")
        self.stdout.write(f"Everything is sealed with {settings.SECRET_KEYS[0][0]}.")

    def _rotate_data_keys(self, slug: str) -> None:
        if slug and selectors.by_slug(slug) is None:
            raise CommandError(f"No tenant has the slug {slug}.")
        with scope.operator():
            rows = Tenant.objects.order_by("id")
            wanted = list((rows.filter(slug=slug) if slug else rows).values_list("id", "slug"))
        for tenant_id, name in wanted:
            with scope.tenant(tenant_id):
                count = rotate(actor=SYSTEM)
            self.stdout.write(f"{name}: a new data key, {count} values sealed with it")
