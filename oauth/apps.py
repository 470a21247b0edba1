from __future__ import annotations

from django.apps import AppConfig


class OauthConfig(AppConfig):
    name = "oauth"

    def ready(self) -> None:
        from oauth import backchannel, expiry, liveness, retention, uses  # noqa: F401 — they register what they do

        liveness.install()
