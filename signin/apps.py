from __future__ import annotations

from django.apps import AppConfig


class SigninConfig(AppConfig):
    name = "signin"

    def ready(self) -> None:
        from signin import admission, risk, tasks  # noqa: F401 — registers jobs and what ends with a sign-in
