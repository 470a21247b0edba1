from __future__ import annotations

from django.apps import AppConfig


class OrganizationsConfig(AppConfig):
    name = "organizations"

    def ready(self) -> None:
        # They register looks, how members are narrowed, and what is done about domains.
        from organizations import branding, domain_checks, domain_services, selectors  # noqa: F401
