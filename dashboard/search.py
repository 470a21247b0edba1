"""⌘K and the search page: objects by id, e-mail or name, and pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from dashboard import navigation
from dashboard.frame import Viewer
from oauth.models import Application
from organizations.models import Organization
from roles.models import Group
from tenants import selectors
from tenants.pagekit import asked

LIMIT = 6
# The prefix of a pasted id → the section that shows such objects and the permission to see them.
OBJECTS = {
    "sub": ("members", "members:read"),
    "org": ("organizations", "organizations:read"),
    "app": ("applications", "applications:read"),
    "ak": ("api-keys", "api-keys:read"),
    "sa": ("service-accounts", "api-keys:read"),
    "whe": ("webhooks", "webhooks:read"),
    "evt": ("audit", "audit:read"),
    "role": ("roles", "roles:read"),
    "grp": ("groups", "groups:read"),
    "sso": ("sso", "organizations:read"),
    "rs": ("api-resources", "roles:read"),
}
Result = dict[str, str]


def palette(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Answer `{"groups": [{label, items: [{label, hint, url, icon}]}]}` for what is typed so far."""
    return JsonResponse({"groups": grouped(find(viewer, asked(request, "q")))})


def page(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    query = asked(request, "q")
    groups = grouped(find(viewer, query)) if query else []
    return render(request, "dashboard/search.html", {"q": query, "groups": groups})


def grouped(results: list[Result]) -> list[dict[str, Any]]:
    groups: dict[str, list[Result]] = {}
    for found in results:
        groups.setdefault(found["group"], []).append(found)
    return [{"label": label, "items": items} for label, items in groups.items()]


def find(viewer: Viewer, words: str) -> list[Result]:
    shown = [entry for entry in navigation.pages(viewer) if words.casefold() in entry["label"].casefold()]
    if not words:
        return shown
    return [*by_id(viewer, words), *by_name(viewer, words.casefold()), *shown]


def by_id(viewer: Viewer, text: str) -> list[Result]:
    """Open what a pasted id names; a request id opens the audit log filtered by it."""
    prefix = text.partition("_")[0]
    if prefix == "req" and viewer.may("audit:read"):
        return [
            result(
                text,
                _("Audit rows of this request"),
                f"{viewer.url('audit')}?request_id={text}",
                "log",
                _("Ids"),
            )
        ]
    section, permission = OBJECTS.get(prefix, ("", ""))
    if not section or len(text) < 8 or not viewer.may(permission):
        return []
    return [result(text, _("Open this id"), viewer.url(section, text), "arrow-right", _("Ids"))]


def by_name(viewer: Viewer, words: str) -> list[Result]:
    """Return what the viewer may read whose name begins so: members, organizations, applications."""
    organizations = Organization.objects.filter(name_search__startswith=words, status="active")
    groups = Group.objects.filter(name_search__startswith=words)
    applications = Application.objects.filter(name__istartswith=words)
    kinds: list[tuple[str, Callable[[], Iterable[Result]]]] = [
        ("members:read", lambda: members(viewer, words)),
        ("groups:read", lambda: named(viewer, groups, "groups", "roles")),
        ("organizations:read", lambda: named(viewer, organizations, "organizations", "building")),
        ("applications:read", lambda: named(viewer, applications, "applications", "app")),
    ]
    return [found for permission, search in kinds if viewer.may(permission) for found in search()]


def members(viewer: Viewer, words: str) -> list[Result]:
    by_email = selectors.members().filter(email_search__startswith=words)[:LIMIT]
    by_name_ = selectors.members().filter(name_search__startswith=words)[:LIMIT]
    unique = {member.id: member for member in [*by_email, *by_name_]}.values()
    return [
        result(
            member.name or member.email,
            member.email,
            viewer.url("members", member.subject),
            "user",
            _("Members"),
        )
        for member in unique
    ]


def named(viewer: Viewer, rows: QuerySet[Any], section: str, icon: str) -> list[Result]:
    return [
        result(row.name, row.public_id, viewer.url(section, row.public_id), icon, section.capitalize())
        for row in rows[:LIMIT]
    ]


def result(title: str, hint: str, url: str, icon: str, group: str = "") -> Result:
    return {"label": title, "hint": hint, "url": url, "icon": icon, "group": group}
