from __future__ import annotations

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "webhooks"

    def ready(self) -> None:
        from events.sealing import on_sealed
        from webhooks import fanout, replaying, retention, signing  # noqa: F401 — register job, sweeps, secrets

        on_sealed(fanout.fan_out)
