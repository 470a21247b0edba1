"""The dashboard's addresses: which page, for whom, in which section.

A page that changes something is addressed by its own path and requires the permission to write; reading
pages require the permission to read. The service behind asks again, for every door.
"""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

import apikeys.pages
import audit.pages
from dashboard import overview, search, tenants
from dashboard.frame import Page, page

TENANT = "dashboard/<slug:slug>"


def section(name: str, resource: str, pages: list[tuple[str, str, str, Page]]) -> list[URLPattern]:
    """Return the addresses of a section: (path below it, url name, "read" or "write", page)."""
    return [
        path(
            f"{TENANT}/{name}/{below}" if below else f"{TENANT}/{name}",
            page(f"{resource}:{right}", name)(view),
            name=f"dashboard_{url_name}",
        )
        for below, url_name, right, view in pages
    ]


urlpatterns: list[URLPattern | URLResolver] = [
    path("dashboard/", tenants.choose, name="dashboard_choose"),
    path("dashboard/new", tenants.create, name="dashboard_new"),
    path(f"{TENANT}/", page("", "")(overview.overview), name="dashboard"),
    path(f"{TENANT}/search", page("", "")(search.page), name="dashboard_search"),
    path(f"{TENANT}/search.json", page("", "")(search.palette), name="dashboard_palette"),
    *section(
        "api-keys",
        "api-keys",
        [
            ("", "keys", "read", apikeys.pages.key_list),
            ("new", "key_new", "write", apikeys.pages.key_create),
            ("<str:key_id>", "key", "read", apikeys.pages.key_detail),
            ("<str:key_id>/rotation", "key_rotation", "write", apikeys.pages.key_rotate),
            ("<str:key_id>/revocation", "key_revocation", "write", apikeys.pages.key_revoke),
        ],
    ),
    *section(
        "service-accounts",
        "api-keys",
        [
            ("", "service_accounts", "read", apikeys.pages.account_list),
            ("new", "service_account_new", "write", apikeys.pages.account_create),
            ("<str:account_id>", "service_account", "read", apikeys.pages.account_detail),
            ("<str:account_id>/suspension", "service_account_suspension", "write", apikeys.pages.account_suspend),
            ("<str:account_id>/deletion", "service_account_deletion", "write", apikeys.pages.account_delete),
        ],
    ),
    *section(
        "audit",
        "audit",
        [
            ("", "audit", "read", audit.pages.audit_list),
            ("export", "audit_export", "read", audit.pages.audit_export),
            ("<str:event>", "audit_event", "read", audit.pages.audit_detail),
        ],
    ),
]
