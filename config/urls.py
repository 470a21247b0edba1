"""All addresses. Each app names its own whole paths; here they are only put together.

Paths are those after the tenant prefix (core.urls): `/t/acme/v1/members` and `/v1/members` are one.
"""

from __future__ import annotations

from django.conf import settings
from django.urls import include, path

from config.bootstrap.pages import bootstrap
from core import health
from core.api.openapi import openapi
from core.api.whoami import WhoAmI
from core.doors import problem_page
from core.language_pages import choose as choose_language

APPS = (
    # What is asked for most stands first: Django tries one pattern after the other.
    "oauth",
    "apikeys",
    "tenants",
    "organizations",
    "roles",
    "invitations",
    "federation",
    "audit",
    "webhooks",
    "mail",
    "signin",
    "portal",
    "dashboard",
)

urlpatterns = [
    path("health", health.health, name="health"),
    path("ready", health.ready, name="ready"),
    path("metrics", health.metrics, name="metrics"),
    path("v1/openapi.json", openapi, name="openapi"),
    path("v1/principal", WhoAmI.as_view(), name="principal"),
    path("errors/<slug:code>", problem_page, name="problem"),
    path("bootstrap", bootstrap, name="bootstrap"),
    path("language", choose_language, name="language"),
    *(path("", include(f"{app}.urls")) for app in APPS),
]

if not settings.PRODUCTION:
    from config.demo import sink
    from config.styleguide.pages import styleguide

    urlpatterns.append(path("demo/sink", sink.receive, name="demo_sink"))
    urlpatterns.append(path("styleguide", styleguide, name="styleguide"))

handler404 = "core.doors.missing"
handler400 = "core.doors.malformed"
handler500 = "core.doors.failed"
