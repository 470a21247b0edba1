from __future__ import annotations

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    name = "tenants"

    def ready(self) -> None:
        from tenants import details, key_rotation, links  # noqa: F401 — register sweep, jobs and hooks
