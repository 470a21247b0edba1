from __future__ import annotations

from django.apps import AppConfig


class ApikeysConfig(AppConfig):
    name = "apikeys"

    def ready(self) -> None:
        from apikeys import exposure, notices, uses  # noqa: F401 — register with transport, schedule, and what uses scopes
        from apikeys.live import check_token, permissions_now
        from invitations.inviters import authority_of_keys
        from tenants.bearer import register_liveness

        register_liveness(check_token)
        authority_of_keys(permissions_now)
