from __future__ import annotations

from django.apps import AppConfig


class InvitationsConfig(AppConfig):
    name = "invitations"

    def ready(self) -> None:
        from invitations import hooks  # noqa: F401 — registers with the apps below
