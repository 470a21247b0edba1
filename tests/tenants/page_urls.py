"""Our pages behind the dashboard's own frame, addressed as their ROUTES say."""

from __future__ import annotations

from django.urls import include, path

import invitations.pages
import organizations.pages
import roles.pages
import tenants.pages
from dashboard.frame import page

APPS = (tenants.pages, organizations.pages, roles.pages, invitations.pages)

urlpatterns = [
    *(
        path(f"dashboard/<slug:slug>/{below}", page(permission, below.split("/")[0])(view))
        for app in APPS
        for below, view, permission in app.ROUTES
    ),
    path("", include("config.urls")),
]
