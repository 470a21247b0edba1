"""The style guide: every element on one page, and whole sample pages beside it. Development only.

It touches no database and no tenant: all data below is invented.
"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone

PAGES = {
    "": "styleguide.html",
    "list": "styleguide/list.html",
    "detail": "styleguide/detail.html",
    "overview": "styleguide/overview.html",
    "entrance": "styleguide/entrance.html",
    "portal": "styleguide/portal.html",
    "problem": "errors/404.html",
}
SPRITE = Path(__file__).parent.parent / "static" / "img" / "icons.svg"
BRANDED = {
    "name": "Northwind",
    "slug": "northwind",
    "mode": "live",
    "support_email": "help@northwind.example",
}


class SampleForm(forms.Form):
    """One control of every kind."""

    name = forms.CharField(help_text="Shown to administrators only.", max_length=64)
    email = forms.EmailField()
    phone = forms.CharField(required=False)
    password = forms.CharField(widget=forms.PasswordInput)
    kind = forms.ChoiceField(
        label="Type", choices=[("web", "Web application"), ("native", "Native application")]
    )
    note = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), required=False)
    scopes = forms.MultipleChoiceField(
        choices=[
            ("members:read", "Read members"),
            ("members:write", "Change members"),
            ("keys:read", "Read keys"),
        ],
        widget=forms.CheckboxSelectMultiple,
    )
    lifetime = forms.ChoiceField(
        choices=[("30", "30 days"), ("90", "90 days"), ("never", "No expiry")], widget=forms.RadioSelect
    )
    notify = forms.BooleanField(
        label="Tell the owner by mail", help_text="One message, at once.", required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["lifetime"].option_help = {  # type: ignore[attr-defined]
            "30": "For a trial or a single job.",
            "90": "Rotation is announced a week before.",
            "never": "Only with an IP rule.",
        }


def styleguide(request: HttpRequest) -> HttpResponse:
    """Show the page named by `?page=`; `?mode=test` and `?brand=` vary the tenant. 404 in production."""
    if getattr(settings, "PRODUCTION", True):
        raise Http404
    page = request.GET.get("page", "")
    if page == "palette":
        return JsonResponse(_found(request.GET.get("q", "")))
    if page not in PAGES:
        raise Http404
    return render(request, PAGES[page], _sample(request, page))


def _sample(request: HttpRequest, page: str) -> dict[str, Any]:
    mode = request.GET.get("mode", "live")
    tenant = {"name": "Acme Cloud", "slug": "acme", "mode": mode, "support_email": "help@acme.example"}
    tenant |= {"privacy_url": "#privacy", "terms_url": "#terms"}
    return {
        "tenant": None if page in {"portal", "problem"} else tenant,
        "branding": {"brand": request.GET.get("brand", "")},
        "tenants": [tenant | {"url": "#", "active": True}, BRANDED | {"url": "#", "mode": "test"}],
        "viewer": {"name": "Ada Moreno", "email": "ada@acme.example"},
        "nav": PORTAL_NAV if page == "portal" else _nav(page),
        "search_url": "#search",
        "palette_url": "?page=palette",
        "docs_url": "#docs",
        "account_url": "?page=portal",
        "sign_out_url": "#sign-out",
        "language_url": "#language",
        "request_id": "req_01kb5n8t3z9qf6m2x4v7",
        "icon_names": re.findall(r'<symbol id="([a-z-]+)"', SPRITE.read_text()),
        "form": SampleForm(),
        "bad_form": SampleForm({"name": "x" * 70, "email": "ada@"}),
        **_people(),
        **_activity(),
        **_charts(),
        **_lists(toast="toast" in request.GET),
    }


def _nav(page: str) -> list[dict[str, Any]]:
    def item(label: str, icon: str, page_name: str = "", key: str = "") -> dict[str, Any]:
        return {
            "label": label,
            "icon": icon,
            "url": f"?page={page_name}",
            "active": page_name == page,
            "key": key,
        }

    other = "list#"
    return [
        {"label": "", "items": [item("Overview", "home", "overview", "o"), item("Style guide", "brush", "")]},
        {
            "label": "People",
            "items": [
                item("Users", "users", "list", "u"),
                item("Invitations", "mail", other),
                item("Organizations", "building", "detail", "g"),
                item("SSO & directories", "link", other),
            ],
        },
        {
            "label": "Access",
            "items": [
                item("Applications", "app", other, "a"),
                item("API resources", "api", other),
                item("Roles", "roles", other),
                item("Policies", "policy", other),
                item("API keys", "key", other, "k"),
            ],
        },
        {
            "label": "Developers",
            "items": [
                item("Webhooks", "webhook", other, "w"),
                item("Events", "bolt", other),
                item("Audit log", "log", other, "l"),
                item("Signing keys", "shield", other),
            ],
        },
        {"label": "Tenant", "items": [item("Branding", "brush", other), item("Settings", "settings", other)]},
    ]


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


def _people() -> dict[str, Any]:
    now = timezone.now()
    rows = [
        ("Ada Moreno", "ada@acme.example", "active", "Acme HQ, Research", 12),
        ("Bilal Haddad", "bilal.haddad@acme.example", "active", "Acme HQ", 190),
        ("Chiara Ferri", "chiara@ferri.example", "invited", "Research", None),
        ("Deniz Aydın", "deniz@acme.example", "suspended", "Acme HQ", 60 * 24 * 9),
        ("Emeka Obi", "emeka.obi@partner.example", "active", "Partner Ltd", 60 * 24 * 40),
    ]
    return {
        "people": [
            {
                "name": name,
                "email": email,
                "status": status,
                "organizations": organizations,
                "seen": now - timedelta(minutes=minutes) if minutes is not None else None,
                "id": f"sub_7f3k9{index}q2m8v4x1z6",
            }
            for index, (name, email, status, organizations, minutes) in enumerate(rows)
        ],
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


def _activity() -> dict[str, Any]:
    now = timezone.now()
    return {
        "now": now,
        "soon": now + timedelta(days=2, hours=3),
        "events": [
            {
                "text": "Ada Moreno rotated API key “Nightly import”",
                "at": now - timedelta(minutes=4),
                "icon": "key",
                "tone": "ok",
                "meta": ["203.0.113.7", "req_01kb5n8t3z"],
            },
            {
                "text": "Sign-in refused: 5 wrong passwords",
                "at": now - timedelta(hours=3),
                "icon": "lock",
                "tone": "bad",
                "meta": ["198.51.100.20"],
            },
            {
                "text": "Report bot was delegated “Read projects” until 3 Dec",
                "at": now - timedelta(days=1, hours=2),
                "icon": "delegation",
                "meta": ["on behalf of Bilal Haddad"],
            },
        ],
        "before": {"role": "member", "mfa_required": False, "name": "Research"},
        "after": {"role": "admin", "mfa_required": True, "name": "Research", "seats": 12},
        "payload": {
            "id": "evt_01kb5n8t3z9qf6m2x4v7",
            "type": "member.suspended",
            "data": {
                "member": "sub_7f3k9",
                "reason": "</script><b>left</b>",
                "attempts": 3,
                "notified": True,
            },
            "previous": None,
        },
    }


def _charts() -> dict[str, Any]:
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


def _lists(*, toast: bool) -> dict[str, Any]:
    curl = (
        "curl https://id.acme.example/v1/auth/token \\\n  -H 'Content-Type: application/json' \\\n"
        '  -d \'{"grant_type": "api_key", "api_key": "sk_test_…"}\''
    )
    python = (
        'import httpx\n\nanswer = httpx.post(\n    "https://id.acme.example/v1/auth/token",\n'
        '    json={"grant_type": "api_key", "api_key": key},\n)\ntoken = answer.json()["access_token"]'
    )
    return {
        "samples": [{"label": "curl", "code": curl}, {"label": "Python", "code": python}],
        "tab_items": [
            {"label": "Profile", "url": "#", "active": True},
            {"label": "Sessions", "url": "#", "count": 3},
            {"label": "Organizations", "url": "#", "count": 2},
            {"label": "Roles", "url": "#"},
            {"label": "Activity", "url": "#"},
        ],
        "crumbs": [{"label": "Users", "url": "?page=list"}],
        "rows": [
            {"label": "Subject", "value": "sub_7f3k90q2m8v4x1z6", "kind": "copy"},
            {"label": "Email", "value": "ada@acme.example"},
            {"label": "Status", "value": "active", "kind": "pill"},
            {"label": "Last sign-in", "value": timezone.now() - timedelta(minutes=12), "kind": "time"},
            {"label": "Phone", "value": ""},
        ],
        "consequences": [
            "3 sessions end at once.",
            "2 API keys stop working.",
            "14 delegations are withdrawn.",
        ],
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
        "toasts": [{"text": "Key rotated. The old one works until Friday."}] if toast else [],
    }


def _found(text: str) -> dict[str, Any]:
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
