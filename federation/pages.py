"""The dashboard's pages of single sign-on connections, of the tenant and of one organization; `ROUTES` lists them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core import ids
from core.lookups import id_or_missing
from core.urls import issuer
from federation import attempts, links, selectors, services, testing
from federation.forms import ConnectionForm, NewConnectionForm
from federation.models import Attempt, ClientAuth, Connection, ConnectionStatus, Exemption, UpstreamIdentity
from federation.words import CHECKS
from organizations import selectors as organizations
from organizations.member_pages import MembershipForm
from organizations.models import Organization
from organizations.pages import read as read_organization
from organizations.pages import surroundings
from roles.permissions import Permission
from tenants.pagekit import (
    Viewer,
    act,
    asked,
    list_context,
    listing,
    posted,
    reason,
    row_of,
    see_other,
    select,
    show,
    unconfirmed,
)

READ, WRITE = Permission.ORGANIZATIONS_READ, Permission.ORGANIZATIONS_WRITE
SECTION, TENANT = "sso", "tenant"
STATUSES = {
    ConnectionStatus.DRAFT: "draft",
    ConnectionStatus.ACTIVE: "active",
    ConnectionStatus.INACTIVE: "inactive",
}


def sso_list(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """List connections, newest first, narrowed by name, status and for whom they are."""
    place = asked(request, "organization")
    rows = selectors.visible(viewer.principal)
    if place == TENANT:
        rows = rows.filter(organization=None)
    elif place:
        rows = rows.filter(organization_id=row_of(Organization.PREFIX, place))
    places = [(TENANT, _("The whole tenant")), *organizations.choices()]
    selects = (
        [] if viewer.principal.organization_id else [select("organization", _("For anybody"), place, places)]
    )
    listed = _listed(request, viewer, rows, selects)
    return show(request, "federation/list.html", **listed, new_url=_new_url(viewer))


def organization_sso(request: HttpRequest, viewer: Viewer, organization_id: str) -> HttpResponse:
    """The tab of one organization's connections."""
    organization = read_organization(organization_id)
    listed = _listed(
        request, viewer, selectors.visible(viewer.principal).filter(organization=organization), []
    )
    around = surroundings(viewer, organization, "sso")
    new_url = f"{_new_url(viewer)}?organization={organization.public_id}" if _new_url(viewer) else ""
    return show(request, "federation/of_organization.html", **listed, **around, new_url=new_url)


def _new_url(viewer: Viewer) -> str:
    return viewer.url(SECTION, "new") if viewer.may(WRITE) else ""


def _listed(
    request: HttpRequest, viewer: Viewer, rows: QuerySet[Connection], selects: list[dict[str, Any]]
) -> dict[str, Any]:
    q, status = asked(request, "q"), asked(request, "status")
    if status in STATUSES.values():
        rows = rows.filter(status=status)
    page = listing(request, rows.filter(name__istartswith=q) if q else rows)
    labels = [("draft", _("Draft")), ("active", _("Active")), ("inactive", _("Switched off"))]
    selects = [*selects, select("status", _("Any status"), status, labels)]
    counted = selectors.with_counts(selectors.connections().filter(id__in=[row.id for row in page.rows]))
    counts = {row.id: count for row, count in counted}
    return {
        **list_context(page, q, selects),
        "connections": [(row, counts.get(row.id, 0)) for row in page.rows],
        "sso_url": viewer.url(SECTION),
        "all_url": request.path,
    }


def sso_create(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    form = NewConnectionForm(
        posted(request), viewer=viewer, initial={"organization": asked(request, "organization")}
    )
    if form.is_valid():
        made = form.carry_out(lambda: services.create_connection(actor=viewer.principal, **form.settings()))
        if made is not None:
            messages.success(request, _("Saved as a draft. Next: make a test sign-in."))
            return see_other(viewer.url(SECTION, made.public_id))
    crumbs = [{"label": _("Single sign-on"), "url": viewer.url(SECTION)}]
    return show(
        request,
        "federation/new.html",
        form,
        form=form,
        crumbs=crumbs,
        sso_url=viewer.url(SECTION),
        redirect_uri=redirect_uri(viewer),
    )


def redirect_uri(viewer: Viewer) -> str:
    return f"{issuer(viewer.tenant.slug)}/sso/callback"


def sso_detail(request: HttpRequest, viewer: Viewer, connection_id: str) -> HttpResponse:
    """Show a connection, what is still to be done and who came by it; POST changes its settings."""
    row = read(viewer, connection_id)
    form = ConnectionForm(posted(request), row=row, viewer=viewer)
    if form.is_valid():
        changes, secret = form.settings()
        saved = form.carry_out(
            lambda: services.update_connection(
                actor=viewer.principal,
                connection=read(viewer, connection_id),
                changes=changes,
                client_secret=secret,
            )
        )
        if saved is not None:
            messages.success(request, _("Saved."))
            return see_other(viewer.url(SECTION, row.public_id))
    return _detail(request, viewer, row, form)


def _detail(
    request: HttpRequest,
    viewer: Viewer,
    row: Connection,
    form: ConnectionForm,
    status: int = 0,
    exempting: MembershipForm | None = None,
    **more: Any,
) -> HttpResponse:
    linked = selectors.identities(connection=row).order_by("-id")
    count = linked.count()
    may_change = viewer.may(services.needed(row))
    return show(
        request,
        "federation/detail.html",
        form,
        *([exempting] if exempting else []),
        status=status,
        form=form,
        exempting=exempting or MembershipForm(),
        connection=row,
        steps=_steps(row),
        rows=_facts(viewer, row),
        shown=_shown(request, row),
        attempts=[(one_, CHECKS.get(one_.failed, "")) for one_ in attempts.of(row).order_by("-id")[:50]],
        identities=linked[:100],
        count=count,
        exemptions=selectors.exemptions(row).order_by("-id")[:100],
        crumbs=_crumbs(viewer, row),
        base=viewer.url(SECTION, row.public_id),
        people_url=viewer.url("members"),
        test_url=_test_url(viewer, row) if may_change else "",
        may_change=may_change,
        off_fields={"off": "1"},
        consequences=[
            ngettext("%(n)d person is linked by it.", "%(n)d people are linked by it.", count) % {"n": count}
        ],
        **more,
    )


def _steps(row: Connection) -> list[dict[str, str]]:
    """Say what is done and what comes next until people can sign in."""
    done = [True, row.tested_at is not None, row.is_active]
    labels = [_("Register us at the provider"), _("Make a test sign-in"), _("Switch it on")]
    current = done.index(False) if False in done else len(done)
    return [
        {"label": label, "state": "done" if ok else "current" if at == current else "todo"}
        for at, (label, ok) in enumerate(zip(labels, done, strict=True))
    ]


def _facts(viewer: Viewer, row: Connection) -> list[dict[str, Any]]:
    keys = {
        "label": _("Our keys (JWKS)"),
        "value": f"{issuer(viewer.tenant.slug)}/.well-known/jwks.json",
        "kind": "copy",
    }
    start = f"{issuer(viewer.tenant.slug)}/sso/start?connection={row.public_id}"
    return [
        {"label": _("Redirect address"), "value": redirect_uri(viewer), "kind": "copy"},
        *([keys] if row.client_auth == ClientAuth.KEY else []),
        {"label": _("Issuer"), "value": row.issuer, "kind": "copy"},
        {"label": _("For"), "value": row.organization.name if row.organization else _("The whole tenant")},
        {"label": _("Sign-in address"), "value": start, "kind": "copy"},
        {"label": _("Tested"), "value": row.tested_at, "kind": "time"}
        if row.tested_at
        else {"label": _("Tested"), "value": _("not yet")},
    ]


def _shown(request: HttpRequest, row: Connection) -> Attempt | None:
    """Return the test sign-in that has just come back."""
    try:
        attempt_id = ids.decode(Attempt.PREFIX, request.GET.get("attempt", ""))
    except ids.MalformedId:
        return None
    return attempts.of(row).filter(id=attempt_id).first()


def _crumbs(viewer: Viewer, row: Connection) -> list[dict[str, str]]:
    if row.organization is None or row.organization_id is None:
        return [{"label": _("Single sign-on"), "url": viewer.url(SECTION)}]
    base = viewer.url("organizations", row.organization.public_id)
    return [
        {"label": row.organization.name, "url": base},
        {"label": _("Single sign-on"), "url": f"{base}/sso"},
    ]


def _test_url(viewer: Viewer, row: Connection) -> str:
    account_id = viewer.principal.account_id
    if account_id is None:
        return ""
    return testing.address(viewer.tenant.slug, testing.Ticket(row.id, account_id))


def sso_activate(request: HttpRequest, viewer: Viewer, connection_id: str) -> HttpResponse:
    """Switch the connection on, or off with `off` in the form."""
    row = read(viewer, connection_id)
    back, why = viewer.url(SECTION, row.public_id), reason(request)
    if request.POST.get("off"):
        return act(
            request,
            back,
            lambda: services.deactivate(actor=viewer.principal, connection=row, reason=why),
            _("Switched off. What it opened has ended."),
        )
    return act(
        request,
        back,
        lambda: services.activate(actor=viewer.principal, connection=row),
        _("Switched on: people can sign in by it."),
    )


def sso_enforce(request: HttpRequest, viewer: Viewer, connection_id: str) -> HttpResponse:
    """Refuse own methods to those it is for, or allow them again with `off` in the form."""
    row, enforced = read(viewer, connection_id), not request.POST.get("off")
    done = _("Own methods are refused from now on.") if enforced else _("Own methods are allowed again.")
    why = reason(request)
    return act(
        request,
        viewer.url(SECTION, row.public_id),
        lambda: services.set_enforced(actor=viewer.principal, connection=row, enforced=enforced, reason=why),
        done,
    )


def sso_exempt(request: HttpRequest, viewer: Viewer, connection_id: str) -> HttpResponse:
    """Exempt a member from enforcement."""
    row, why = read(viewer, connection_id), reason(request)
    form = MembershipForm(posted(request))
    if form.is_valid():
        member = form.cleaned_data["member"]
        made = form.carry_out(
            lambda: services.exempt(actor=viewer.principal, connection=row, member=member, reason=why)
        )
        if made is not None:
            messages.success(request, _("Exempt. Each time they use methods of their own is recorded."))
            return see_other(viewer.url(SECTION, row.public_id))
    return _detail(request, viewer, row, ConnectionForm(row=row, viewer=viewer), exempting=form)


def sso_unexempt(request: HttpRequest, viewer: Viewer, connection_id: str, exemption_id: str) -> HttpResponse:
    row = read(viewer, connection_id)
    exemption = selectors.exemption(row, id_or_missing(Exemption.PREFIX, exemption_id))
    return act(
        request,
        viewer.url(SECTION, row.public_id),
        lambda: services.end_exemption(actor=viewer.principal, exemption=exemption),
        _("No longer exempt."),
    )


def sso_unlink(request: HttpRequest, viewer: Viewer, connection_id: str, identity_id: str) -> HttpResponse:
    row = read(viewer, connection_id)
    identity = selectors.identity(id_or_missing(UpstreamIdentity.PREFIX, identity_id), connection=row)
    return act(
        request,
        viewer.url(SECTION, row.public_id),
        lambda: links.unlink(actor=viewer.principal, identity=identity),
        _("The link is undone, and what it opened has ended."),
    )


def sso_delete(request: HttpRequest, viewer: Viewer, connection_id: str) -> HttpResponse:
    """Delete after the name was typed and a reason given."""
    row, why = read(viewer, connection_id), reason(request)
    if request.method == "POST" and (error := unconfirmed(request, row.name)):
        return _detail(request, viewer, row, ConnectionForm(row=row, viewer=viewer), 422, delete_error=error)
    return act(
        request,
        viewer.url(SECTION, row.public_id),
        lambda: services.delete_connection(actor=viewer.principal, connection=row, reason=why),
        _("The connection is deleted. Members it brought stay."),
        then=viewer.url(SECTION),
    )


def read(viewer: Viewer, connection_id: str) -> Connection:
    return selectors.of_caller(viewer.principal, id_or_missing(Connection.PREFIX, connection_id))


ROUTES = [
    (SECTION, sso_list, READ),
    (f"{SECTION}/new", sso_create, WRITE),
    (f"{SECTION}/<str:connection_id>", sso_detail, READ),
    (f"{SECTION}/<str:connection_id>/activation", sso_activate, WRITE),
    (f"{SECTION}/<str:connection_id>/enforcement", sso_enforce, WRITE),
    (f"{SECTION}/<str:connection_id>/exemptions", sso_exempt, WRITE),
    (f"{SECTION}/<str:connection_id>/exemptions/<str:exemption_id>/deletion", sso_unexempt, WRITE),
    (f"{SECTION}/<str:connection_id>/identities/<str:identity_id>/deletion", sso_unlink, WRITE),
    (f"{SECTION}/<str:connection_id>/deletion", sso_delete, WRITE),
    ("organizations/<str:organization_id>/sso", organization_sso, READ),
]
