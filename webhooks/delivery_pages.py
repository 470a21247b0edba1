"""Deliveries in the dashboard: the list of an endpoint, and the inspector of one."""

from __future__ import annotations

import json
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import ids
from core.lookups import id_or_missing
from tenants.pagekit import Viewer, act, asked, list_context, listing, select, show
from webhooks import messages as bodies
from webhooks import selectors, services
from webhooks.models import Attempt, Delivery, DeliveryStatus, Endpoint, EndpointStatus

WRITE = "webhooks:write"
ERRORS = {
    "address_unusable": gettext_lazy("The address could not be used."),
    "timeout": gettext_lazy("No answer within 15 seconds."),
    "tls": gettext_lazy("The secure connection could not be made."),
    "protocol": gettext_lazy("What came back was no proper HTTP answer."),
    "lost": gettext_lazy("The worker was lost several times while it sent this."),
    "event_gone": gettext_lazy("The event is kept no longer."),
    "not_allowed": gettext_lazy("The endpoint may not receive this event."),
    "no_secret": gettext_lazy("The endpoint has no secret to sign with."),
    "internal": gettext_lazy("Something went wrong on our side."),
}


def the_endpoint(text: str) -> Endpoint:
    """Return the endpoint that the address names; raises NotFound."""
    return selectors.endpoint(id_or_missing(Endpoint.PREFIX, text))


def frame(viewer: Viewer, row: Endpoint, tab: str, context: dict[str, Any]) -> dict[str, Any]:
    """Return what every page of an endpoint needs around its own content."""
    base = viewer.url("webhooks", row.public_id)
    may_change = viewer.may(WRITE)
    tabs = [("overview", _("Overview"), base), ("deliveries", _("Deliveries"), f"{base}/deliveries")]
    if may_change:
        tabs += [
            ("settings", _("Settings"), f"{base}/settings"),
            ("secrets", _("Secrets"), f"{base}/secrets"),
            ("danger", _("Manage"), f"{base}/danger"),
        ]
    return {
        "endpoint": row,
        "base": base,
        "may_change": may_change,
        "can_test": may_change and row.status == EndpointStatus.ACTIVE,
        "crumbs": [{"label": _("Webhooks"), "url": viewer.url("webhooks")}],
        "tab_items": [{"label": label, "url": url, "active": name == tab} for name, label, url in tabs],
        **context,
    }


def delivery_list(request: HttpRequest, viewer: Viewer, endpoint: str) -> HttpResponse:
    """An endpoint's deliveries, newest first, narrowed by status, type, and event or delivery id."""
    row = the_endpoint(endpoint)
    rows = selectors.deliveries(row)
    status, event_type, q = (asked(request, name) for name in ("status", "type", "q"))
    types = rows.order_by("event_type").values_list("event_type", flat=True).distinct()[:200]
    selects = [
        select("status", _("Any status"), status, DeliveryStatus.choices),
        select("type", _("Any event"), event_type, [(name, name) for name in types]),
    ]
    page = listing(request, _narrowed(rows, status, event_type, q))
    context = {
        "deliveries": [
            {"row": one, "url": viewer.url("webhooks", "deliveries", one.public_id)} for one in page.rows
        ],
        **list_context(page, q, selects),
    }
    return show(request, "webhooks/deliveries.html", **frame(viewer, row, "deliveries", context))


def _narrowed(rows: QuerySet[Delivery], status: str, event_type: str, q: str) -> QuerySet[Delivery]:
    if status:
        rows = rows.filter(status=status)
    if event_type:
        rows = rows.filter(event_type=event_type)
    return _named(rows, q) if q else rows


def _named(rows: QuerySet[Delivery], text: str) -> QuerySet[Delivery]:
    for prefix, column in (("evt", "event_id"), (Delivery.PREFIX, "id")):
        try:
            return rows.filter(**{column: ids.decode(prefix, text)})
        except ids.MalformedId:
            continue
    return rows.none()


def delivery_detail(request: HttpRequest, viewer: Viewer, delivery: str) -> HttpResponse:
    """The inspector: what was sent, how it was signed, and each answer."""
    row = _delivery(delivery)
    envelope = selectors.envelope(row)
    attempts = list(selectors.attempts(row))
    context = {
        "delivery": row,
        "attempts": [_attempt(one) for one in reversed(attempts)],
        "headers": attempts[-1].request_headers if attempts else {},
        "body": json.loads(bodies.body_of(envelope, row.endpoint.payload)) if envelope else None,
        "facts": _facts(row),
        "url": viewer.url("webhooks", "deliveries", row.public_id),
        "event_url": viewer.url("audit", row.event_public_id) if viewer.may("audit:read") else "",
        "waits": row.status == DeliveryStatus.PENDING,
        "can_resend": viewer.may(WRITE) and row.endpoint.status == EndpointStatus.ACTIVE,
    }
    whole = frame(viewer, row.endpoint, "deliveries", context)
    whole["crumbs"] = [*whole["crumbs"], {"label": row.endpoint.url, "url": f"{whole['base']}/deliveries"}]
    return show(request, "webhooks/delivery.html", **whole)


def _attempt(row: Attempt) -> dict[str, Any]:
    said = ERRORS.get(row.error, row.error)
    return {
        "row": row,
        "tone": "ok" if row.succeeded else "bad",
        "icon": "check-circle" if row.succeeded else "close-circle",
        "text": _("Answered %(status)s") % {"status": row.status} if row.status else said,
    }


def _facts(row: Delivery) -> list[dict[str, Any]]:
    waits = row.status == DeliveryStatus.PENDING
    rows = [
        (_("Event"), row.event_type, "code"),
        (_("webhook-id"), row.event_public_id, "copy"),
        (_("Attempts"), row.attempts, ""),
        (_("Next attempt"), row.due_at if waits else None, "time"),
        (_("Finished"), row.finished_at, "time"),
        (_("Sequence"), row.sequence, ""),
        (_("Replay"), _("yes") if row.is_replay else "", ""),
        (_("Queued"), row.created_at, "time"),
    ]
    return [
        {"label": label, "value": value, "kind": kind}
        for label, value, kind in rows
        if value not in (None, "")
    ]


def delivery_resend(request: HttpRequest, viewer: Viewer, delivery: str) -> HttpResponse:
    return _act(request, viewer, delivery, services.resend, _("Sent again under the same webhook-id."))


def delivery_skip(request: HttpRequest, viewer: Viewer, delivery: str) -> HttpResponse:
    return _act(request, viewer, delivery, services.skip, _("Skipped."))


def _act(request: HttpRequest, viewer: Viewer, delivery: str, verb: Any, done: str) -> HttpResponse:
    row = _delivery(delivery)
    back = viewer.url("webhooks", "deliveries", row.public_id)
    return act(request, back, lambda: verb(actor=viewer.principal, delivery=row), done)


def _delivery(text: str) -> Delivery:
    return selectors.delivery(id_or_missing(Delivery.PREFIX, text))
