from __future__ import annotations

import threading

from django.apps import AppConfig
from django.conf import settings
from django.db import connections


class CoreConfig(AppConfig):
    name = "core"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from core import checks  # noqa: F401 — registers the system checks

        # Nothing here is asynchronous; asgiref's own looks for an event loop each time a connection is meant.
        connections._connections = threading.local()  # type: ignore[attr-defined]
        # A setting that was read before lies in the instance; Django's own way there is a Python call for each reading.
        type(settings).__getattribute__ = object.__getattribute__  # type: ignore[method-assign]
