"""The WSGI entry: a thin wrapper maps `/t/{slug}` to tenant + path."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)

from django.conf import settings  # noqa: E402
from django.urls import get_resolver  # noqa: E402

from config.checks import refuse_unsafe_start  # noqa: E402
from core import access_log  # noqa: E402
from core.front import Front  # noqa: E402 — needs configured settings
from core.leftovers import Drained  # noqa: E402
from core.machines import Machines  # noqa: E402
from core.routes import PageHandler  # noqa: E402
from core.urls import TenantPrefix  # noqa: E402

refuse_unsafe_start()
behind_front = Machines(PageHandler())
application: Callable[..., Iterable[bytes]] = Drained(TenantPrefix(Front(behind_front)))
if settings.ACCESS_LOG:
    application = access_log.AccessLog(
        application, access_log.for_machines if settings.PRODUCTION else access_log.for_people
    )

# What is loaded by now stays: the collector need not look through it again and again.
get_resolver().reverse_dict  # noqa: B018 — reads every app's addresses, which import its views
gc.collect()
gc.freeze()
gc.set_threshold(10_000, 20, 20)
