from __future__ import annotations

from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"

    def ready(self) -> None:
        from portal import deletions, exports  # noqa: F401 — register their jobs and sweeps
