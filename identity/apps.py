from __future__ import annotations

from django.apps import AppConfig


class IdentityConfig(AppConfig):
    name = "identity"

    def ready(self) -> None:
        from core import languages
        from identity import (
            browser,
            tokens,  # noqa: F401 — registers its sweeps
        )

        languages.bind_setting(browser.language)
