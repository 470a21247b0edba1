"""What the style guide's elements show: people, events, charts and lists, all invented."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone


def people() -> dict[str, Any]:
    return {
        "people": _rows(),
        "facets": [
            {"label": "Active", "url": "#", "active": True, "count": 1204},
            {"label": "Invited", "url": "#", "count": 38},
            {"label": "Suspended", "url": "#", "count": 7},
            {"label": "Without MFA", "url": "#", "count": 211},
        ],
        "filter_choices": [
            {"name": "organization", "label": "Any organization", "value": "", "options": [("1", "Acme HQ")]},
        ],
    }


def _rows() -> list[dict[str, Any]]:
    now = timezone.now()
    rows = [
        ("Ada Moreno", "ada@acme.example", "active", "Acme HQ, Research", 12),
        ("Bilal Haddad", "bilal.haddad@acme.example", "active", "Acme HQ", 190),
        ("Chiara Ferri", "chiara@ferri.example", "invited", "Research", None),
        ("Deniz Aydın", "deniz@acme.example", "suspended", "Acme HQ", 60 * 24 * 9),
        ("Emeka Obi", "emeka.obi@partner.example", "active", "Partner Ltd", 60 * 24 * 40),
    ]
    return [
        {
            "name": name,
            "email": email,
            "status": status,
            "organizations": organizations,
            "seen": now - timedelta(minutes=minutes) if minutes is not None else None,
            "id": f"sub_7f3k9{index}q2m8v4x1z6",
        }
        for index, (name, email, status, organizations, minutes) in enumerate(rows)
    ]


def activity() -> dict[str, Any]:
    now = timezone.now()
    return {
        "now": now,
        "soon": now + timedelta(days=2, hours=3),
        "events": [{**event, "at": now - ago} for ago, event in EVENTS],
        "before": {"role": "member", "mfa_required": False, "name": "Research"},
        "after": {"role": "admin", "mfa_required": True, "name": "Research", "seats": 12},
        "payload": PAYLOAD,
    }


EVENTS: list[tuple[timedelta, dict[str, Any]]] = [
    (
        timedelta(minutes=4),
        {
            "text": "Ada Moreno rotated API key “Nightly import”",
            "icon": "key",
            "tone": "ok",
            "meta": ["203.0.113.7", "req_01kb5n8t3z"],
        },
    ),
    (
        timedelta(hours=3),
        {
            "text": "Sign-in refused: 5 wrong passwords",
            "icon": "lock",
            "tone": "bad",
            "meta": ["198.51.100.20"],
        },
    ),
    (
        timedelta(days=1, hours=2),
        {
            "text": "Report bot was delegated “Read projects” until 3 Dec",
            "icon": "delegation",
            "meta": ["on behalf of Bilal Haddad"],
        },
    ),
]
PAYLOAD = {
    "id": "evt_01kb5n8t3z9qf6m2x4v7",
    "type": "member.suspended",
    "data": {"member": "sub_7f3k9", "reason": "</script><b>left</b>", "attempts": 3, "notified": True},
    "previous": None,
}


def charts() -> dict[str, Any]:
    days = [f"{day} Nov" for day in range(1, 31)]
    return {
        "days": days,
        "sign_ins": [
            {"label": "Passkey", "values": [90 + (d * 37) % 60 + d * 3 for d in range(30)]},
            {"label": "Password", "values": [140 + (d * 53) % 50 - d for d in range(30)]},
            {"label": "SSO", "values": [40 + (d * 29) % 40 for d in range(30)]},
        ],
        "active_users": [
            {"label": "Daily active users", "values": [820 + (d * 71) % 190 + d * 9 for d in range(30)]}
        ],
        "deliveries": [(d * 83) % 97 if d % 7 else 0 for d in range(30)],
        "trend": [12, 14, 13, 19, 22, 21, 27, 31],
        "quiet": [{"label": "Failures", "values": [0] * 30}],
    }


def lists(*, toast: bool) -> dict[str, Any]:
    seen = {"label": "Last sign-in", "value": timezone.now() - timedelta(minutes=12), "kind": "time"}
    toasts = [{"text": "Key rotated. The old one works until Friday."}] if toast else []
    return {**LISTS, "rows": [*FACTS, seen, {"label": "Phone", "value": ""}], "toasts": toasts}


CURL = """curl https://id.acme.example/v1/auth/token \\
  -H 'Content-Type: application/json' \\
  -d '{"grant_type": "api_key", "api_key": "sk_test_…"}'"""
PYTHON = """import httpx

answer = httpx.post(
    "https://id.acme.example/v1/auth/token",
    json={"grant_type": "api_key", "api_key": key},
)
token = answer.json()["access_token"]"""
FACTS: list[dict[str, Any]] = [
    {"label": "Subject", "value": "sub_7f3k90q2m8v4x1z6", "kind": "copy"},
    {"label": "Email", "value": "ada@acme.example"},
    {"label": "Status", "value": "active", "kind": "pill"},
]
LISTS: dict[str, Any] = {
    "samples": [{"label": "curl", "code": CURL}, {"label": "Python", "code": PYTHON}],
    "tab_items": [
        {"label": "Profile", "url": "#", "active": True},
        {"label": "Sessions", "url": "#", "count": 3},
        {"label": "Organizations", "url": "#", "count": 2},
        {"label": "Roles", "url": "#"},
        {"label": "Activity", "url": "#"},
    ],
    "crumbs": [{"label": "Users", "url": "?page=list"}],
    "consequences": ["3 sessions end at once.", "2 API keys stop working.", "14 delegations are withdrawn."],
    "steps": [
        {"label": "Choose a provider", "state": "done"},
        {"label": "Exchange metadata", "state": "current"},
        {"label": "Test sign-in", "state": "todo"},
    ],
    "checklist": [
        {"title": "Create an application", "text": "", "done": True},
        {
            "title": "Invite a colleague",
            "text": "Two administrators, so that nobody is locked out.",
            "url": "#",
            "action": "Invite",
        },
        {"title": "Add a webhook", "text": "Hear about every change.", "url": "#", "action": "Add"},
    ],
}


def found(text: str) -> dict[str, Any]:
    """Answer the command palette, as `palette_url` is asked."""
    groups: list[dict[str, Any]] = [
        {"label": "Pages", "items": [{"label": "Users", "url": "?page=list", "icon": "users"}]},
        {
            "label": "Users",
            "items": [
                {
                    "label": name,
                    "url": "?page=detail",
                    "icon": "user",
                    "hint": f"{name.split()[0].lower()}@acme.example",
                }
                for name in ("Ada Moreno", "Bilal Haddad", "Chiara Ferri")
            ],
        },
    ]
    return {
        "groups": [
            group | {"items": [item for item in group["items"] if text.lower() in item["label"].lower()]}
            for group in groups
        ]
    }
