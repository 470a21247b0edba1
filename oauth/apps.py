from __future__ import annotations

from django.apps import AppConfig


class OauthConfig(AppConfig):
    name = "oauth"

    def ready(self) -> None:
        from oauth import liveness, retention  # noqa: F401 — registers the sweeps

        liveness.install()
