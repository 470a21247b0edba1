"""The overview: what is left to set up, how sign-in goes, and what happened lately."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

from django.db.models import Count
from django.db.models.functions import TruncDate
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apikeys.models import ApiKey
from audit.pages import lines
from dashboard import attention, ways_in
from dashboard.frame import Viewer
from dashboard.ways_in import Ways
from events.models import Event
from events.selectors import described
from oauth.models import Application
from organizations.models import Organization
from roles.models import RoleAssignment
from tenants import selectors
from tenants.models import MemberStatus
from webhooks.models import Endpoint

DAYS = 30
QUIET = ("session.", "token.", "signin.", "signup.", "api_key.used")
OUTCOMES = {"signin.succeeded": "succeeded", "signin.failed": "failed", "signin.blocked": "blocked"}

# What a new tenant wants: name, title, why, what the button says, and where it leads.
CHECKLIST = (
    (
        "support",
        gettext_lazy("Name a support contact"),
        gettext_lazy("Sign-in and consent pages show it, so that people know whom to ask."),
        gettext_lazy("Add"),
        ("settings",),
    ),
    (
        "administrators",
        gettext_lazy("Have two administrators"),
        gettext_lazy("With one, a lost device locks everybody out."),
        gettext_lazy("Invite"),
        ("invitations", "new"),
    ),
    (
        "application",
        gettext_lazy("Register an application"),
        gettext_lazy("It gets a client id, its redirect addresses and code to copy."),
        gettext_lazy("Register"),
        ("applications", "new"),
    ),
    (
        "api_key",
        gettext_lazy("Generate an API key"),
        gettext_lazy("For scripts and services that call the API."),
        gettext_lazy("Generate"),
        ("api-keys", "new"),
    ),
    (
        "webhook",
        gettext_lazy("Receive events"),
        gettext_lazy("A webhook tells your systems about each change, signed and retried."),
        gettext_lazy("Add"),
        ("webhooks", "new"),
    ),
)


def overview(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    days = [timezone.localdate() - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    counts, ways = sign_ins(days[0]), ways_in.lately()
    return render(
        request,
        "dashboard/overview.html",
        {
            "checklist": open_items(viewer),
            "attention": attention.findings(viewer),
            "stats": stats(viewer, counts, ways),
            "ways": ways,
            "series": series(days, counts),
            "labels": [date_format(day, "j M") for day in days],
            "recent": lines(viewer, recent()) if viewer.may("audit:read") else [],
        },
    )


def sign_ins(since: date) -> dict[tuple[date, str], int]:
    """Return counts by day and outcome."""
    rows = (
        Event.objects.filter(type__in=OUTCOMES, created_at__date__gte=since)
        .annotate(day=TruncDate("created_at"))
        .values("day", "type")
        .annotate(total=Count("id"))
    )
    return {(row["day"], row["type"]): row["total"] for row in rows}


def series(days: list[date], counts: dict[tuple[date, str], int]) -> list[dict[str, Any]]:
    names = {"signin.succeeded": _("Succeeded"), "signin.failed": _("Failed"), "signin.blocked": _("Blocked")}
    return [
        {"label": names[kind], "values": [counts.get((day, kind), 0) for day in days]}
        for kind in OUTCOMES
        if kind == "signin.succeeded" or any(counts.get((day, kind)) for day in days)
    ]


def stats(viewer: Viewer, counts: dict[tuple[date, str], int], ways: Ways) -> list[dict[str, Any]]:
    total = Counter[str]()
    for (_day, kind), number in counts.items():
        total[kind] += number
    tried = sum(total.values())
    share = f"{round(100 * total['signin.succeeded'] / tried)} %" if tried else "–"
    active = selectors.members().filter(last_sign_in_at__gte=timezone.now() - timedelta(days=DAYS)).count()
    members = selectors.members().filter(status=MemberStatus.ACTIVE).count()
    groups = Organization.objects.filter(status="active").count()
    strong = f"{ways.strong} %" if ways.total else "–"
    tiles = [
        (_("Active members"), active, _("signed in within 30 days"), "members"),
        (_("Members"), members, _in_organizations(groups), "members"),
        (_("Sign-ins that succeeded"), share, _("of the last 30 days"), ""),
        (_("More than a password"), strong, _("of the latest sign-ins"), ""),
    ]
    return [
        {"label": label, "value": value, "note": note, "url": viewer.url(section) if section else ""}
        for label, value, note, section in tiles
    ]


def _in_organizations(count: int) -> str:
    return ngettext("%(count)s organization", "%(count)s organizations", count) % {"count": count}


def open_items(viewer: Viewer) -> list[dict[str, Any]]:
    """Return the setup checklist (TEN-02), empty when all of it is done; items tick themselves."""
    done = {
        "support": bool(viewer.tenant.support_email),
        "administrators": administrators() >= 2,
        "application": Application.objects.exists(),
        "api_key": ApiKey.objects.exists(),
        "webhook": Endpoint.objects.exists(),
    }
    if all(done.values()):
        return []
    return [
        {"title": title, "text": text, "done": done[name], "url": viewer.url(*where), "action": action}
        for name, title, text, action, where in CHECKLIST
    ]


def administrators() -> int:
    """Return how many members can administer the whole tenant."""
    rows = RoleAssignment.objects.filter(
        organization=None, role__name__in=("owner", "admin"), role__is_built_in=True, member__status="active"
    )
    return rows.values("member_id").distinct().count()


def recent() -> list[Event]:
    """Return the latest events that an administrator would want to have seen."""
    rows = described(Event.objects.order_by("-id"))
    for quiet in QUIET:
        rows = rows.exclude(type__startswith=quiet)
    return list(rows[:8])
