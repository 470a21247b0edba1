"""The dashboard's addresses: which page, for whom, in which section."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from dashboard import overview, search, tenants
from dashboard.frame import page

TENANT = "dashboard/<slug:slug>"

urlpatterns: list[URLPattern | URLResolver] = [
    path("dashboard/", tenants.choose, name="dashboard_choose"),
    path("dashboard/new", tenants.create, name="dashboard_new"),
    path(f"{TENANT}/", page("", "")(overview.overview), name="dashboard"),
    path(f"{TENANT}/search", page("", "")(search.page), name="dashboard_search"),
    path(f"{TENANT}/search.json", page("", "")(search.palette), name="dashboard_palette"),
]
