"""The dashboard's pages of webhook endpoints: plain functions in an open tenant scope.

`ROUTES` lists them for whoever wires them: path beneath the dashboard's base, function, permission.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core import ids
from core.errors import NotFound
from core.lookups import id_or_missing
from organizations import selectors as organizations
from organizations.models import Organization
from roles.permissions import Permission
from tenants.pagekit import (
    Viewer,
    asked,
    demand_post,
    posted,
    reason,
    see_other,
    select,
    show,
    unconfirmed,
)
from webhooks import delivery_pages, selectors, services
from webhooks.delivery_pages import frame, the_endpoint
from webhooks.forms import AgainForm, EndpointForm, NewEndpointForm, RotationForm
from webhooks.models import Endpoint, EndpointStatus
from webhooks.selectors import Share

_READ, _WRITE = str(Permission.WEBHOOKS_READ), str(Permission.WEBHOOKS_WRITE)
STATES = ("active", "failing", "paused", "disabled")
SETTINGS = (
    "url", "description", "events", "payload", "content_type", "ordering", "signature_suite", "max_in_flight",
)  # fmt: skip


def endpoint_list(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """List endpoints, newest first, by words of address, description or id, and by state."""
    rows = list(selectors.endpoints().order_by("-id"))
    q, status = asked(request, "q"), asked(request, "status")
    shares = selectors.shares(rows)
    shown = [
        {"row": row, "url": viewer.url("webhooks", row.public_id), "share": shares.get(row.id, Share())}
        for row in rows
        if (q.lower() in f"{row.url} {row.description} {row.public_id}".lower()) and status in ("", row.state)
    ]
    return show(
        request,
        "webhooks/list.html",
        endpoints=shown,
        any=bool(rows),
        q=q,
        new_url=viewer.url("webhooks", "new") if viewer.may(_WRITE) else "",
        list_url=viewer.url("webhooks"),
        selects=[select("status", _("Any state"), status, [(state, state) for state in STATES])],
    )


def endpoint_create(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Register an endpoint; its secret is shown once, in the answer."""
    form = NewEndpointForm(posted(request))
    if form.is_valid():
        made = form.carry_out(lambda: _create(viewer, form))
        if made is not None:
            return _shown_once(request, viewer, made.endpoint, made.secret)
    crumbs = [{"label": _("Webhooks"), "url": viewer.url("webhooks")}]
    return show(request, "webhooks/new.html", form, form=form, crumbs=crumbs)


def _create(viewer: Viewer, form: NewEndpointForm) -> services.CreatedEndpoint:
    values = {name: form.cleaned_data[name] for name in SETTINGS}
    organization = _organization(form.cleaned_data["organization"])
    return services.create_endpoint(actor=viewer.principal, organization=organization, **values)


def _organization(text: str) -> Organization | None:
    return organizations.organization(id_or_missing(Organization.PREFIX, text)) if text else None


def _shown_once(request: HttpRequest, viewer: Viewer, endpoint: Endpoint, secret: str) -> HttpResponse:
    response = show(
        request,
        "webhooks/secret.html",
        endpoint=endpoint,
        secret=secret,
        done_url=viewer.url("webhooks", endpoint.public_id),
        samples=[{"label": "Python", "code": PYTHON}, {"label": "TypeScript", "code": TYPESCRIPT}],
    )
    response.headers["Cache-Control"] = "no-store"
    return response


PYTHON = """import os

from standardwebhooks import Webhook


def receive(body: bytes, headers: dict[str, str]) -> None:
    event = Webhook(os.environ["WEBHOOK_SECRET"]).verify(body, headers)
    # The same event may come twice: remember headers["webhook-id"].
    print(event["type"], event["data"]["object"]["id"])"""
TYPESCRIPT = """import { Webhook } from "standardwebhooks";

export function receive(body: string, headers: Record<string, string>) {
  const event = new Webhook(process.env.WEBHOOK_SECRET!).verify(body, headers) as any;
  // The same event may come twice: remember headers["webhook-id"].
  console.log(event.type, event.data.object.id);
}"""


def endpoint_overview(request: HttpRequest, viewer: Viewer, endpoint: str) -> HttpResponse:
    """The first tab: how it goes, and the way to try it."""
    row = the_endpoint(endpoint)
    days = selectors.by_day(row)
    series = [
        {"label": _("Succeeded"), "values": [share.succeeded for _day, share in days]},
        {"label": _("Failed"), "values": [share.failed for _day, share in days]},
    ]
    context = {
        "series": series,
        "labels": [date_format(day, "j M") for day, _share in days],
        "share": selectors.shares([row]).get(row.id, Share()),
        "facts": _facts(row),
    }
    return show(request, "webhooks/overview.html", **frame(viewer, row, "overview", context))


def _facts(row: Endpoint) -> list[dict[str, Any]]:
    rows = [
        (_("Address"), row.url, "copy"),
        (
            _("Events"),
            _("All but those of high volume") if row.events == ["*"] else ", ".join(row.events),
            "",
        ),
        (_("Organization"), ids.encode("org", row.organization_id) if row.organization_id else "", "copy"),
        (_("Payload"), row.get_payload_display(), ""),
        (_("Content type"), row.content_type, "code"),
        (_("Order"), row.get_ordering_display(), ""),
        (_("Last success"), row.last_success_at, "time"),
        (_("Created"), row.created_at, "time"),
    ]
    return [{"label": label, "value": value, "kind": kind} for label, value, kind in rows if value]


def endpoint_settings(request: HttpRequest, viewer: Viewer, endpoint: str) -> HttpResponse:
    row = the_endpoint(endpoint)
    form = EndpointForm.of(row, posted(request))
    if form.is_valid():
        changes = {name: form.cleaned_data[name] for name in SETTINGS}
        saved = form.carry_out(
            lambda: services.update_endpoint(
                actor=viewer.principal, endpoint=the_endpoint(endpoint), **changes
            )
        )
        if saved is not None:
            messages.success(request, _("Saved."))
            return see_other(viewer.url("webhooks", endpoint, "settings"))
    return show(request, "webhooks/settings.html", form, **frame(viewer, row, "settings", {"form": form}))


def endpoint_secrets(request: HttpRequest, viewer: Viewer, endpoint: str) -> HttpResponse:
    """Which secrets sign, and making a new one; values are never shown again."""
    row = the_endpoint(endpoint)
    form = RotationForm(posted(request))
    if form.is_valid():
        secret = services.rotate_secret(actor=viewer.principal, endpoint=row, grace=form.length)
        return _shown_once(request, viewer, row, secret)
    context = {"form": form, "secrets": selectors.live_secrets(row)}
    return show(request, "webhooks/secrets.html", form, **frame(viewer, row, "secrets", context))


def endpoint_danger(request: HttpRequest, viewer: Viewer, endpoint: str, error: str = "") -> HttpResponse:
    row = the_endpoint(endpoint)
    waiting = selectors.deliveries(row).filter(status="pending").count()
    lost = ngettext("%(n)d waiting message is dropped.", "%(n)d waiting messages are dropped.", waiting)
    context = {
        "again": AgainForm(),
        "error": error,
        "consequences": [lost % {"n": waiting}, _("Its secrets stop signing at once.")],
        "is_active": row.status == EndpointStatus.ACTIVE,
    }
    whole = frame(viewer, row, "danger", context)
    return show(request, "webhooks/danger.html", status=422 if error else 0, **whole)


def endpoint_state(request: HttpRequest, viewer: Viewer, endpoint: str) -> HttpResponse:
    """Pause, resume or enable, as the form's `act` says."""
    row, act = _posted(request, endpoint), request.POST.get("act", "")
    if act == "pause":
        services.pause_endpoint(actor=viewer.principal, endpoint=row, reason=reason(request))
        messages.success(request, _("Paused. Messages wait and spend no attempts."))
    elif act == "resume":
        services.resume_endpoint(actor=viewer.principal, endpoint=row)
        messages.success(request, _("Messages go out again."))
    elif act == "enable":
        services.enable_endpoint(actor=viewer.principal, endpoint=row)
        messages.success(request, _("Enabled. A replay brings what it missed."))
    else:
        raise NotFound
    return _back(viewer, row)


def endpoint_again(request: HttpRequest, viewer: Viewer, endpoint: str) -> HttpResponse:
    """Recover what failed, or replay everything, since a moment."""
    row, form = _posted(request, endpoint), AgainForm(request.POST)
    if not form.is_valid():
        return endpoint_danger(
            request, viewer, endpoint, error=_("Choose what to send again, and from when.")
        )
    if form.cleaned_data["kind"] == "replay":
        services.replay(actor=viewer.principal, endpoint=row, since=form.since)
        messages.success(request, _("The replay begins within seconds."))
    else:
        count = services.recover_failed(actor=viewer.principal, endpoint=row, since=form.since)
        said = ngettext("%(n)d message is queued again.", "%(n)d messages are queued again.", count)
        messages.success(request, said % {"n": count})
    return _back(viewer, row, "deliveries")


def endpoint_test(request: HttpRequest, viewer: Viewer, endpoint: str) -> HttpResponse:
    row = _posted(request, endpoint)
    services.send_test(actor=viewer.principal, endpoint=row)
    messages.success(request, _("A test message is on its way. Reload to see how it went."))
    return _back(viewer, row, "deliveries")


def endpoint_delete(request: HttpRequest, viewer: Viewer, endpoint: str) -> HttpResponse:
    """Delete after the endpoint's id was typed and a reason given."""
    row = _posted(request, endpoint)
    if error := unconfirmed(request, row.public_id):
        return endpoint_danger(request, viewer, endpoint, error=error)
    services.delete_endpoint(actor=viewer.principal, endpoint=row)
    messages.success(request, _("The endpoint is deleted. Nothing more is sent to it."))
    return see_other(viewer.url("webhooks"))


def _posted(request: HttpRequest, endpoint: str) -> Endpoint:
    demand_post(request)
    return the_endpoint(endpoint)


def _back(viewer: Viewer, row: Endpoint, *tab: str) -> HttpResponse:
    return see_other(viewer.url("webhooks", row.public_id, *tab))


ROUTES = [
    ("webhooks", endpoint_list, _READ),
    ("webhooks/new", endpoint_create, _WRITE),
    ("webhooks/deliveries/<str:delivery>", delivery_pages.delivery_detail, _READ),
    ("webhooks/deliveries/<str:delivery>/redelivery", delivery_pages.delivery_resend, _WRITE),
    ("webhooks/deliveries/<str:delivery>/cancellation", delivery_pages.delivery_skip, _WRITE),
    ("webhooks/<str:endpoint>", endpoint_overview, _READ),
    ("webhooks/<str:endpoint>/deliveries", delivery_pages.delivery_list, _READ),
    ("webhooks/<str:endpoint>/settings", endpoint_settings, _WRITE),
    ("webhooks/<str:endpoint>/secrets", endpoint_secrets, _WRITE),
    ("webhooks/<str:endpoint>/danger", endpoint_danger, _WRITE),
    ("webhooks/<str:endpoint>/state", endpoint_state, _WRITE),
    ("webhooks/<str:endpoint>/again", endpoint_again, _WRITE),
    ("webhooks/<str:endpoint>/test", endpoint_test, _WRITE),
    ("webhooks/<str:endpoint>/deletion", endpoint_delete, _WRITE),
]
