from __future__ import annotations

from django.apps import AppConfig


class FederationConfig(AppConfig):
    name = "federation"

    def ready(self) -> None:
        from federation import hooks  # noqa: F401 — registers with the apps below
        from tenants import data_keys

        data_keys.holds("federation_connection", "sealed_secret")
