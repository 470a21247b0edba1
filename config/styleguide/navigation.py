"""The rails of the style guide's sample pages."""

from __future__ import annotations

from typing import Any

# Label, icon, sample page (one that there is none of leads nowhere), letter after `g`.
ELSEWHERE = "list#"
GROUPS = (
    ("", (("Overview", "home", "overview", "o"), ("Style guide", "brush", "", ""))),
    (
        "People",
        (
            ("Users", "users", "list", "u"),
            ("Invitations", "mail", ELSEWHERE, ""),
            ("Organizations", "building", "detail", "g"),
            ("SSO & directories", "link", ELSEWHERE, ""),
        ),
    ),
    (
        "Access",
        (
            ("Applications", "app", ELSEWHERE, "a"),
            ("API resources", "api", ELSEWHERE, ""),
            ("Roles", "roles", ELSEWHERE, ""),
            ("Policies", "policy", ELSEWHERE, ""),
            ("API keys", "key", ELSEWHERE, "k"),
        ),
    ),
    (
        "Developers",
        (
            ("Webhooks", "webhook", ELSEWHERE, "w"),
            ("Events", "bolt", ELSEWHERE, ""),
            ("Audit log", "log", ELSEWHERE, "l"),
            ("Signing keys", "shield", ELSEWHERE, ""),
        ),
    ),
    ("Tenant", (("Branding", "brush", ELSEWHERE, ""), ("Settings", "settings", ELSEWHERE, ""))),
)


def rail(page: str) -> list[dict[str, Any]]:
    """Return the dashboard's rail with `page` active."""
    return [{"label": label, "items": [_item(page, *item) for item in items]} for label, items in GROUPS]


def _item(page: str, label: str, icon: str, target: str, key: str) -> dict[str, Any]:
    return {"label": label, "icon": icon, "url": f"?page={target}", "active": target == page, "key": key}


PORTAL_NAV: list[dict[str, Any]] = [
    {
        "label": "",
        "items": [
            {"label": "Profile", "icon": "user", "url": "?page=portal", "active": True},
            {"label": "Security", "icon": "shield", "url": "#security"},
            {"label": "Sessions & devices", "icon": "device", "url": "#sessions"},
            {"label": "Connected apps", "icon": "app", "url": "#apps"},
            {"label": "Organizations", "icon": "building", "url": "#organizations"},
            {"label": "Activity", "icon": "log", "url": "#activity"},
            {"label": "Your data", "icon": "download", "url": "#data"},
        ],
    }
]
