"""The left rail: groups of sections, each shown to those who may open it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

if TYPE_CHECKING:
    from dashboard.frame import Viewer

# group → (section, label, icon, permission, shortcut after `g`)
SECTIONS: list[tuple[Any, list[tuple[str, Any, str, str, str]]]] = [
    ("", [("", gettext_lazy("Overview"), "home", "", "o")]),
    (
        gettext_lazy("People"),
        [
            ("members", gettext_lazy("Members"), "users", "members:read", "u"),
            ("invitations", gettext_lazy("Invitations"), "mail", "invitations:read", "i"),
            ("groups", gettext_lazy("Groups"), "roles", "groups:read", "g"),
            ("organizations", gettext_lazy("Organizations"), "building", "organizations:read", "b"),
        ],
    ),
    (
        gettext_lazy("Access"),
        [
            ("applications", gettext_lazy("Applications"), "app", "applications:read", "a"),
            ("api-resources", gettext_lazy("APIs"), "api", "roles:read", "r"),
            ("sso", gettext_lazy("Single sign-on"), "lock", "organizations:read", "n"),
            (
                "trusted-issuers",
                gettext_lazy("Trusted issuers"),
                "globe",
                "policies:read",
                "e",
            ),
            ("roles", gettext_lazy("Roles"), "shield", "roles:read", "p"),
        ],
    ),
    (
        gettext_lazy("Machines"),
        [
            ("api-keys", gettext_lazy("API Keys"), "key", "api-keys:read", "k"),
            ("service-accounts", gettext_lazy("Service accounts"), "agent", "api-keys:read", "s"),
            (
                "initial-access-tokens",
                gettext_lazy("Initial access tokens"),
                "terminal",
                "applications:read",
                "j",
            ),
        ],
    ),
    (
        gettext_lazy("Developers"),
        [
            ("webhooks", gettext_lazy("Webhooks"), "webhook", "webhooks:read", "w"),
            ("token-inspector", gettext_lazy("Token inspector"), "search", "audit:read", "x"),
            ("sign-ins", gettext_lazy("Failed sign-ins"), "lock", "audit:read", "f"),
            ("audit", gettext_lazy("Audit log"), "list", "audit:read", "l"),
        ],
    ),
    (gettext_lazy("Settings"), [("settings", gettext_lazy("Tenant"), "settings", "tenant:read", "t")]),
]


def build(viewer: Viewer) -> list[dict[str, Any]]:
    """Return the groups with the links this viewer may open, the present section marked."""
    groups = [
        {
            "label": str(label),
            "items": [_item(viewer, *entry) for entry in entries if not entry[3] or viewer.may(entry[3])],
        }
        for label, entries in SECTIONS
    ]
    return [group for group in groups if group["items"]]


def _item(viewer: Viewer, section: str, label: Any, icon: str, _permission: str, key: str) -> dict[str, Any]:
    url = viewer.url(section) if section else viewer.url()
    return {"url": url, "label": str(label), "icon": icon, "active": viewer.section == section, "key": key}


def pages(viewer: Viewer) -> list[dict[str, str]]:
    """Return every section as a search result."""
    return [
        {"label": item["label"], "hint": "", "url": item["url"], "icon": item["icon"], "group": _("Pages")}
        for group in build(viewer)
        for item in group["items"]
    ]
