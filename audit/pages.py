"""The audit log in the dashboard. Plain functions; the dashboard wraps them with its frame."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from audit import selectors, services
from audit.filters import ACTORS, Filters
from core import ids
from core.api.lists import slice_page
from core.errors import InsufficientRole
from core.lookups import id_or_missing
from events import registry
from events.chain import Report
from events.models import Event
from events.selectors import envelope
from tenants.pagekit import (
    PAGE,
    Viewer,
    demand_post,
    select,
    show,
)
from tenants.selectors import members


def audit_list(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    filters = Filters(request.GET)
    rows = selectors.entries(filters.search) if filters.is_valid() else Event.objects.none()
    page, before, after = slice_page(rows, _place(request), PAGE, descending=True)
    base = viewer.url("audit")
    context: dict[str, Any] = {
        "filters": filters,
        "selects": _selects(filters),
        "facets": _facets(base, filters),
        "entries": lines(viewer, page),
        "chain": _chain(viewer),
        "base": base,
        "previous_url": _link(base, filters, page[0].id, "prev") if before and page else "",
        "next_url": _link(base, filters, page[-1].id, "next") if after else "",
    }
    return show(request, "audit/list.html", **context)


def audit_detail(request: HttpRequest, viewer: Viewer, event: str) -> HttpResponse:
    """Raises NotFound for an event of another tenant, of another organization, or a malformed id."""
    row = selectors.event(id_or_missing(Event.PREFIX, event))
    entry = selectors.entry(row)
    base, names = viewer.url("audit"), _names([row])
    context: dict[str, Any] = {
        "entry": entry,
        "declared": registry.find(row.type),
        "row": row,
        "base": base,
        "crumbs": [{"label": _("Audit log"), "url": base}],
        "facts": _facts(entry, row, names),
        "before": {change["field"]: change["before"] for change in entry["changes"]},
        "after": {change["field"]: change["after"] for change in entry["changes"]},
        "envelope": envelope(row),
        "seal": _seal(viewer, row),
        "same_request": f"{base}?{urlencode({'q': row.request_id})}",
    }
    return show(request, "audit/detail.html", **context)


def audit_export(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Answer the filtered log as CSV. A POST, because the export is an act that is itself recorded."""
    demand_post(request)
    text = services.export(actor=viewer.principal, wanted=Filters(request.POST).search)
    name = f"audit-{viewer.tenant.slug}-{datetime.now(UTC):%Y%m%d-%H%M%S}.csv"
    response = HttpResponse(text, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _place(request: HttpRequest) -> tuple[uuid.UUID, str] | None:
    for direction, name in (("next", "after"), ("prev", "before")):
        if text := request.GET.get(name):
            try:
                return Event.read_id(text), direction
            except ids.MalformedId:
                return None
    return None


def _link(base: str, filters: Filters, event_id: uuid.UUID, direction: str) -> str:
    name = "after" if direction == "next" else "before"
    return f"{base}?{urlencode({**filters.chosen, name: ids.encode('evt', event_id)})}"


def _selects(filters: Filters) -> list[dict[str, Any]]:
    families = sorted({declared.family for declared in registry.every()})
    chosen = filters.chosen
    actions = [(f"{family}.*", f"{family}.*") for family in families]
    if (action := chosen.get("action", "")) and action not in dict(actions):
        actions.insert(0, (action, action))
    return [
        select("action", _("Any action"), action, actions),
        select("actor_type", _("Any actor"), chosen.get("actor_type", ""), ACTORS),
    ]


def _facets(base: str, filters: Filters) -> list[dict[str, Any]]:
    """Return one chip for each filter that is set; following it takes the filter away."""
    chosen = filters.chosen
    return [
        {
            "label": f"{filters.fields[name].label}: {value}",
            "url": f"{base}?{urlencode({n: v for n, v in chosen.items() if n != name})}",
            "active": True,
        }
        for name, value in chosen.items()
    ]


def _names(rows: Sequence[Event]) -> dict[str, str]:
    """Return the present names of the members whose subjects stand in `rows`, as the viewer may see them."""
    subjects = {subject for row in rows for subject in (row.actor_id, row.object_id, row.on_behalf_of)}
    found = members().filter(subject__in=[subject for subject in subjects if subject.startswith("sub_")])
    return {member.subject: member.name or member.email for member in found}


def lines(viewer: Viewer, rows: Sequence[Event]) -> list[dict[str, Any]]:
    """Return what a table of the dashboard shows of events: names of members, changed fields, addresses."""
    names = _names(rows)
    return [_line(viewer, row, names) for row in rows]


def _line(viewer: Viewer, row: Event, names: dict[str, str]) -> dict[str, Any]:
    entry = selectors.entry(row)
    return {
        **entry,
        "url": viewer.url("audit", entry["id"]),
        "at": row.created_at,
        "ip": entry["context"].get("ip"),
        "request_id": row.request_id,
        "actor_name": names.get(row.actor_id, ""),
        "behalf_name": names.get(row.on_behalf_of, row.on_behalf_of),
        "target_name": names.get(row.object_id, ""),
        "fields": [change["field"] for change in entry["changes"]],
    }


def _chain(viewer: Viewer) -> Report | None:
    """Return how the newest stretch of the chain stands; None for those who see only a part of it."""
    try:
        return selectors.verification(viewer.principal, limit=selectors.RECENT)
    except InsufficientRole:
        return None


def _seal(viewer: Viewer, row: Event) -> dict[str, Any] | None:
    seal = selectors.seal_of(row)
    if seal is None:
        return None
    report = None
    if viewer.principal.organization_id is None:
        report = selectors.verification(viewer.principal, after=seal.sequence - 1, limit=1)
    return {
        "report": report,
        "rows": [
            {"label": _("Sequence"), "value": seal.sequence},
            {"label": _("Sealed"), "value": seal.sealed_at, "kind": "time"},
            {"label": _("Hash"), "value": bytes(seal.hash).hex(), "kind": "copy"},
            {"label": _("Previous hash"), "value": bytes(seal.previous_hash).hex(), "kind": "copy"},
        ],
    }


def _facts(entry: dict[str, Any], row: Event, names: dict[str, str]) -> list[dict[str, Any]]:
    actor, context = entry["actor"], entry["context"]
    behalf = entry["on_behalf_of"] or {}
    rows = [
        (_("Time"), row.created_at, "time"),
        (_("Actor"), names.get(row.actor_id), ""),
        (_("Actor id"), actor["id"], "copy"),
        (_("Kind of actor"), actor["type"], ""),
        (_("Through"), actor.get("via"), "copy"),
        (_("On behalf of"), behalf.get("id"), "copy"),
        (_("Target"), names.get(row.object_id), ""),
        (_("Target id"), entry["target"]["id"], "copy"),
        (_("Kind of target"), entry["target"]["type"], ""),
        (_("Organization"), entry["organization"], "copy"),
        (_("Reason"), entry["reason"], ""),
        (_("IP address"), context.get("ip"), "copy"),
        (_("Browser or client"), context.get("user_agent"), ""),
        (_("Idempotency key"), context.get("idempotency_key"), "copy"),
    ]
    return [{"label": label, "value": value, "kind": kind} for label, value, kind in rows if value]


ROUTES = [
    ("audit", audit_list, "audit:read"),
    ("audit/export", audit_export, "audit:read"),
    ("audit/<str:event>", audit_detail, "audit:read"),
]
