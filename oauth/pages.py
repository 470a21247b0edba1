"""The dashboard's pages of applications: plain functions in an open tenant scope; `ROUTES` lists them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from core.lookups import id_or_missing
from oauth import (
    applications,
    client_secrets,
    integration,
)
from oauth.application_page import SOURCE_LABELS, application_page, settings_form
from oauth.applications import tenant_ref
from oauth.forms import KIND_LABELS, KINDS, ApplicationForm, RotationForm
from oauth.models import Application, ApplicationType, ClientSecret
from oauth.protection_pages import ProtectionForm
from oauth.token_pages import SECTION, read
from roles.permissions import Permission
from tenants.pagekit import (
    Explained,
    Viewer,
    act,
    asked,
    demand_post,
    list_context,
    listing,
    posted,
    see_other,
    select,
    show,
    unconfirmed,
)

READ, WRITE = Permission.APPLICATIONS_READ, Permission.APPLICATIONS_WRITE


def application_list(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """List applications, newest first, narrowed by type and the beginning of the name or the client id."""
    kind, source, q = (asked(request, name) for name in ("type", "source", "q"))
    page = listing(request, _narrowed(kind, source, q))
    selects = [
        select("type", _("Any type"), kind, KIND_LABELS.items()),
        select("source", _("Any origin"), source, SOURCE_LABELS.items()),
    ]
    return show(
        request,
        "oauth/applications.html",
        applications=[(row, KIND_LABELS[ApplicationType(row.type)]) for row in page.rows],
        applications_url=viewer.url(SECTION),
        new_url=viewer.url(SECTION, "new") if viewer.may(WRITE) else "",
        **list_context(page, q, selects),
    )


def _narrowed(kind: str, source: str, q: str) -> QuerySet[Application]:
    rows = applications.applications()
    if source in SOURCE_LABELS:
        rows = rows.filter(registration_source=source)
    if kind in ApplicationType.values:
        rows = rows.filter(type=kind)
    if q:
        rows = rows.filter(name__istartswith=q) | rows.filter(client_id=q)
    return rows


def application_create(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Choose the type, then say where it runs and what it may ask for; a secret is shown in the answer."""
    kind = request.POST.get("type") or request.GET.get("type", "")
    links: dict[str, Any] = {"applications_url": viewer.url(SECTION), "new_url": viewer.url(SECTION, "new")}
    if kind not in ApplicationType.values:
        kinds = [(value, KIND_LABELS[value], text) for value, text in KINDS.items()]
        return show(request, "oauth/choose_type.html", kinds=kinds, **links)
    form = ApplicationForm(posted(request), tenant=tenant_ref(), type=kind)
    if form.is_valid():
        made = form.carry_out(
            lambda: applications.create_application(actor=viewer.principal, type=kind, **form.cleaned_data)
        )
        if made is not None:
            return _registered(request, viewer, made.application, made.secret)
    label = KIND_LABELS[ApplicationType(kind)]
    return show(request, "oauth/new_application.html", form, form=form, kind=kind, kind_label=label, **links)


def _registered(request: HttpRequest, viewer: Viewer, row: Application, secret: str) -> HttpResponse:
    if not secret:
        messages.success(request, _("The application is registered."))
        return see_other(viewer.url(SECTION, row.public_id))
    return _shown_once(request, viewer, row, secret)


def _shown_once(request: HttpRequest, viewer: Viewer, row: Application, secret: str) -> HttpResponse:
    return show(
        request,
        "oauth/secret.html",
        application=row,
        secret=secret,
        values=integration.values(tenant_ref(), row),
        done_url=viewer.url(SECTION, row.public_id),
    )


def application_detail(request: HttpRequest, viewer: Viewer, application_id: str) -> HttpResponse:
    """Show an application; POST changes its settings."""
    row = read(application_id)
    form = settings_form(row, posted(request))
    if form.is_valid() and _save(request, viewer, row, form):
        return see_other(viewer.url(SECTION, row.public_id))
    return application_page(request, viewer, row, form=form)


def application_protect(request: HttpRequest, viewer: Viewer, application_id: str) -> HttpResponse:
    """Change what the application's tokens are bound to, and its profile."""
    demand_post(request)
    row = read(application_id)
    form = ProtectionForm(request.POST, row)
    if form.is_valid() and _save(request, viewer, row, form):
        return see_other(viewer.url(SECTION, row.public_id))
    return application_page(request, viewer, row, protection=form)


def _save(request: HttpRequest, viewer: Viewer, row: Application, form: Explained) -> bool:
    """Change a fresh copy: the page that shows a refusal shows what `row` still is."""
    saved = form.carry_out(
        lambda: applications.update_application(
            actor=viewer.principal, application=read(row.public_id), changes=form.cleaned_data
        )
    )
    if saved is not None:
        messages.success(request, _("Saved."))
    return saved is not None


def application_rotate(request: HttpRequest, viewer: Viewer, application_id: str) -> HttpResponse:
    """Replace the secret; the new one is shown once, in the answer."""
    demand_post(request)
    row, form = read(application_id), RotationForm(request.POST)
    if not form.is_valid():
        return application_page(request, viewer, row, rotation=form)
    issued = client_secrets.rotate_secret(
        actor=viewer.principal, application=row, overlap=form.cleaned_data["overlap"]
    )
    return _shown_once(request, viewer, row, issued.secret)


def application_revoke_secret(request: HttpRequest, viewer: Viewer, application_id: str) -> HttpResponse:
    """Stop one of two live secrets at once."""
    row = read(application_id)
    named = request.POST.get("secret", "")
    return act(
        request,
        viewer.url(SECTION, row.public_id),
        lambda: client_secrets.revoke_secret(
            actor=viewer.principal,
            application=row,
            secret=client_secrets.secret_of(row, id_or_missing(ClientSecret.PREFIX, named)),
        ),
        _("The secret is revoked."),
    )


def application_suspend(request: HttpRequest, viewer: Viewer, application_id: str) -> HttpResponse:
    """Disable the application, or enable it again with `enable` in the form."""
    row = read(application_id)
    if request.POST.get("enable"):
        verb, done = applications.enable_application, _("The application works again.")
    else:
        verb = applications.disable_application
        done = _("The application is disabled. Its tokens are refused from now on.")
    back = viewer.url(SECTION, row.public_id)
    return act(request, back, lambda: verb(actor=viewer.principal, application=row), done)


def application_vet(request: HttpRequest, viewer: Viewer, application_id: str) -> HttpResponse:
    """Vouch for a client that came by itself, or take that back with `withdraw` in the form."""
    row, vetted = read(application_id), not request.POST.get("withdraw")
    return act(
        request,
        viewer.url(SECTION, row.public_id),
        lambda: applications.vet_application(actor=viewer.principal, application=row, vetted=vetted),
        _("You vouch for it now.") if vetted else _("The vetting is taken back."),
    )


def application_delete(request: HttpRequest, viewer: Viewer, application_id: str) -> HttpResponse:
    """Delete after the name was typed and a reason given."""
    row = read(application_id)
    if request.method == "POST" and (error := unconfirmed(request, row.name)):
        return application_page(request, viewer, row, delete_error=error)
    return act(
        request,
        viewer.url(SECTION, row.public_id),
        lambda: applications.delete_application(actor=viewer.principal, application=row),
        _("The application is deleted."),
        then=viewer.url(SECTION),
    )


ROUTES = [
    (SECTION, application_list, READ),
    (f"{SECTION}/new", application_create, WRITE),
    (f"{SECTION}/<str:application_id>", application_detail, READ),
    (f"{SECTION}/<str:application_id>/protection", application_protect, WRITE),
    (f"{SECTION}/<str:application_id>/rotation", application_rotate, WRITE),
    (f"{SECTION}/<str:application_id>/secret-revocation", application_revoke_secret, WRITE),
    (f"{SECTION}/<str:application_id>/suspension", application_suspend, WRITE),
    (f"{SECTION}/<str:application_id>/vetting", application_vet, WRITE),
    (f"{SECTION}/<str:application_id>/deletion", application_delete, WRITE),
]
