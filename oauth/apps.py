from __future__ import annotations

from django.apps import AppConfig


class OauthConfig(AppConfig):
    name = "oauth"

    def ready(self) -> None:
        from oauth import (  # noqa: F401 — they register what they do
            backchannel,
            closed_sessions,
            expiry,
            liveness,
            retention,
            trusted_issuer_check,
            uses,
        )

        liveness.install()
