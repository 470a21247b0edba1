from __future__ import annotations

from django.apps import AppConfig


class MailConfig(AppConfig):
    name = "mail"

    def ready(self) -> None:
        from mail import tasks, texts  # noqa: F401 — registers the jobs
