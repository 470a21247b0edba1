"""The members' list: what is done to several at once, confirmed with their number, and the CSV export."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core import ports
from core.errors import NotFound
from tenants import bulk, selectors
from tenants.bulk import BulkAct
from tenants.models import Member, MemberStatus
from tenants.pagekit import (
    Viewer,
    asked,
    demand_post,
    reason,
    see_other,
    show,
)

STATUSES = [MemberStatus.ACTIVE, MemberStatus.PENDING, MemberStatus.SUSPENDED]


def offered(viewer: Viewer) -> list[dict[str, Any]]:
    """Return the acts that the viewer may choose from; one that chooses among nothing is no act."""
    acts = [
        {"name": name, "label": act_label(name), "options": act.choices() if act.choices else None}
        for name, act in bulk.acts.items()
        if viewer.may(act.permission)
    ]
    return [act for act in acts if act["options"] is None or act["options"]]


def act_label(name: str) -> str:
    labels = {
        "suspend": _("Suspend"),
        "reactivate": _("Reactivate"),
        "logout": _("End all sessions"),
        "role": _("Give a role"),
        "group": _("Put into a group"),
    }
    return labels[name]


def narrowed(request: HttpRequest) -> Any:
    """Return the members that the list's filters leave."""
    filters = {name: asked(request, name) for name in selectors.narrowings}
    rows = selectors.search_members(q=asked(request, "q"), **filters)
    status = request.GET.get("status", "")
    return rows.filter(status=status) if status in STATUSES else rows


def member_bulk(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Ask for a confirmation that names the number, then act on each; POST only."""
    demand_post(request)
    name = request.POST.get("act", "")
    if name not in bulk.acts:
        raise NotFound
    act, rows = bulk.acts[name], bulk.chosen(request.POST.getlist("member"))
    ports.authority.require(viewer.principal, act.permission)
    if not rows:
        messages.error(request, _("Tick the members first."))
        return see_other(viewer.url("members"))
    if request.POST.get("confirmed"):
        return _carried_out(request, viewer, act, rows)
    return _ask(request, viewer, name, rows)


def _ask(request: HttpRequest, viewer: Viewer, name: str, rows: list[Member]) -> HttpResponse:
    act = bulk.acts[name]
    live = sum(selectors.sessions_of(member).count() for member in rows)
    return show(
        request,
        "members/bulk.html",
        rows=rows,
        act=name,
        label=act_label(name),
        options=act.choices() if act.choices else [],
        live=live if name in ("suspend", "logout") else 0,
        bulk_url=viewer.url("members", "bulk"),
        members_url=viewer.url("members"),
        crumbs=[{"label": _("Members"), "url": viewer.url("members")}],
    )


def _carried_out(request: HttpRequest, viewer: Viewer, act: BulkAct, rows: list[Member]) -> HttpResponse:
    value = request.POST.get("value", "")[:120]
    outcome = bulk.carry_out(actor=viewer.principal, act=act, rows=rows, value=value, reason=reason(request))
    if outcome.done:
        done = ngettext("Done for %(n)d member.", "Done for %(n)d members.", outcome.done)
        messages.success(request, done % {"n": outcome.done})
    for member, problem in outcome.refused[:10]:
        messages.error(request, f"{member.email or member.subject}: {problem.title}. {problem.detail}")
    return see_other(viewer.url("members"))


def member_export(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Answer the list, as its address narrows it, as CSV. A POST, because the export is itself recorded."""
    demand_post(request)
    rows = narrowed(request).order_by("-id")[: bulk.MOST_EXPORTED]
    text = bulk.export(actor=viewer.principal, rows=rows)
    name = f"members-{viewer.tenant.slug}-{datetime.now(UTC):%Y%m%d-%H%M%S}.csv"
    response = HttpResponse(text, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response


ROUTES = [
    ("members/bulk", member_bulk, "members:read"),
    ("members/export", member_export, "members:read"),
]
