"""The dashboard's pages of applications: plain functions in an open tenant scope."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Protocol

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from core import ids
from core.errors import NotFound, Problem
from core.principal import Principal
from oauth import applications, backchannel, client_metadata, code_samples, integration, try_it
from oauth.applications import tenant_ref
from oauth.forms import KIND_LABELS, KINDS, ApplicationForm, RotationForm, initial_of
from oauth.models import Application, ApplicationType, Consent, RefreshToken
from oauth.protection_pages import ProtectionForm
from roles.permissions import Permission
from tenants.models import Tenant

PAGE, SHOWN = 50, 10
SECTION = "applications"
SOURCE_LABELS = {
    Application.RegistrationSource.MANUAL.value: gettext_lazy("Registered here"),
    Application.RegistrationSource.DCR.value: gettext_lazy("Registered itself"),
    Application.RegistrationSource.CIMD.value: gettext_lazy("By its own address"),
}


class Viewer(Protocol):
    """The administrator at work, as the dashboard's frame hands over."""

    principal: Principal
    tenant: Tenant

    def url(self, *parts: str) -> str: ...

    def may(self, permission: str) -> bool: ...


def application_list(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """List applications, newest first, narrowed by type and the beginning of the name or the client id."""
    kind, source, q = (request.GET.get(name, "").strip() for name in ("type", "source", "q"))
    rows = applications.applications()
    if source in SOURCE_LABELS:
        rows = rows.filter(registration_source=source)
    if kind in ApplicationType.values:
        rows = rows.filter(type=kind)
    if q:
        rows = rows.filter(name__istartswith=q) | rows.filter(client_id=q)
    page, older = _page(request, rows)
    labels = [(value, str(label)) for value, label in KIND_LABELS.items()]
    context = {
        "applications": [(row, KIND_LABELS[ApplicationType(row.type)]) for row in page],
        "next_url": older,
        "q": q,
        "is_narrowed": bool(kind or source or q),
        "selects": [
            {"name": "type", "label": _("Any type"), "value": kind, "options": labels},
            {"name": "source", "label": _("Any origin"), "value": source, "options": SOURCE_LABELS.items()},
        ],
    }
    return render(request, "oauth/applications.html", _with(viewer, context))


def application_create(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Choose the type, then say where it runs and what it may ask for; a secret is shown in the answer."""
    kind = request.POST.get("type") or request.GET.get("type", "")
    if kind not in ApplicationType.values:
        kinds = [(value, KIND_LABELS[value], text) for value, text in KINDS.items()]
        return render(request, "oauth/choose_type.html", _with(viewer, {"kinds": kinds}))
    form = ApplicationForm(request.POST if request.method == "POST" else None, tenant=tenant_ref(), type=kind)
    if form.is_bound and form.is_valid():
        try:
            made = applications.create_application(actor=viewer.principal, type=kind, **form.cleaned_data)
        except Problem as problem:
            form.explain(problem)
        else:
            return _registered(request, viewer, made.application, made.secret)
    context = {"form": form, "kind": kind, "kind_label": KIND_LABELS[ApplicationType(kind)]}
    return render(
        request, "oauth/new_application.html", _with(viewer, context), status=400 if form.errors else 200
    )


def _registered(request: HttpRequest, viewer: Viewer, row: Application, secret: str) -> HttpResponse:
    if not secret:
        messages.success(request, _("The application is registered."))
        return _see_other(viewer.url(SECTION, row.public_id))
    return _shown_once(request, viewer, row, secret)


def _shown_once(request: HttpRequest, viewer: Viewer, row: Application, secret: str) -> HttpResponse:
    context = {
        "application": row,
        "secret": secret,
        "values": integration.values(tenant_ref(), row),
        "done_url": viewer.url(SECTION, row.public_id),
    }
    return render(request, "oauth/secret.html", _with(viewer, context))


def application_detail(request: HttpRequest, viewer: Viewer, application_id: str) -> HttpResponse:
    """Show an application; POST changes its settings."""
    row = _application(application_id)
    form = _settings_form(row, request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            applications.update_application(
                actor=viewer.principal, application=row, changes=form.cleaned_data
            )
        except Problem as problem:
            row = _application(application_id)
            form.explain(problem)
        else:
            messages.success(request, _("Saved."))
            return _see_other(viewer.url(SECTION, row.public_id))
    return _detail(request, viewer, row, form=form)


def application_protect(request: HttpRequest, viewer: Viewer, application_id: str) -> HttpResponse:
    """Change what the application's tokens are bound to, and its profile."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    row = _application(application_id)
    form = ProtectionForm(request.POST, row)
    if form.is_valid():
        try:
            applications.update_application(
                actor=viewer.principal, application=row, changes=form.cleaned_data
            )
        except Problem as problem:
            row = _application(application_id)
            form.explain(problem)
        else:
            messages.success(request, _("Saved."))
            return _see_other(viewer.url(SECTION, row.public_id))
    return _detail(request, viewer, row, protection=form)


def application_rotate(request: HttpRequest, viewer: Viewer, application_id: str) -> HttpResponse:
    """Replace the secret; the new one is shown once, in the answer."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    row, form = _application(application_id), RotationForm(request.POST)
    if not form.is_valid():
        return _detail(request, viewer, row, rotation=form)
    issued = applications.rotate_secret(
        actor=viewer.principal, application=row, overlap=form.cleaned_data["overlap"]
    )
    return _shown_once(request, viewer, row, issued.secret)


def application_suspend(request: HttpRequest, viewer: Viewer, application_id: str) -> HttpResponse:
    """Disable the application, or enable it again with `enable` in the form."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    row = _application(application_id)
    if request.POST.get("enable"):
        applications.enable_application(actor=viewer.principal, application=row)
        messages.success(request, _("The application works again."))
    else:
        applications.disable_application(actor=viewer.principal, application=row)
        messages.success(request, _("The application is disabled. Its tokens are refused from now on."))
    return _see_other(viewer.url(SECTION, row.public_id))


def application_delete(request: HttpRequest, viewer: Viewer, application_id: str) -> HttpResponse:
    """Delete after the name was typed and a reason given."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    row = _application(application_id)
    error = _unconfirmed(request, row.name)
    if error:
        return _detail(request, viewer, row, delete_error=error)
    applications.delete_application(actor=viewer.principal, application=row)
    messages.success(request, _("The application is deleted."))
    return _see_other(viewer.url(SECTION))


def _detail(
    request: HttpRequest,
    viewer: Viewer,
    row: Application,
    *,
    form: ApplicationForm | None = None,
    rotation: RotationForm | None = None,
    protection: ProtectionForm | None = None,
    delete_error: str = "",
) -> HttpResponse:
    tenant = tenant_ref()
    context = {
        "application": row,
        "kind_label": KIND_LABELS[ApplicationType(row.type)],
        "crumbs": [{"label": _("Applications"), "url": viewer.url(SECTION)}],
        "values": integration.values(tenant, row),
        "samples": code_samples.samples(tenant, row),
        "secrets": list(applications.secrets_of(row)),
        "try_url": viewer.url(SECTION, row.public_id, "try"),
        "untried": try_it.hindrance(tenant, row),
        "source": None if row.is_vetted else SOURCE_LABELS.get(row.registration_source),
        "registered_with": row.initial_access_token,
        "document": client_metadata.document_of(row),
        "is_dynamic": row.registration_source != Application.RegistrationSource.MANUAL,
        "vetting_url": viewer.url(SECTION, row.public_id, "vetting"),
        "secret_url": viewer.url(SECTION, row.public_id, "secret-revocation"),
        "tokens_url": viewer.url("initial-access-tokens"),
        "logouts": list(backchannel.deliveries_of(row)[:SHOWN]),
        "form": form or _settings_form(row, None),
        "rotation": rotation or RotationForm(),
        "protection": protection or ProtectionForm(None, row),
        "protect_url": viewer.url(SECTION, row.public_id, "protection"),
        "rotate_url": viewer.url(SECTION, row.public_id, "rotation"),
        "suspend_url": viewer.url(SECTION, row.public_id, "suspension"),
        "delete_url": viewer.url(SECTION, row.public_id, "deletion"),
        "consequences": _consequences(row),
        "delete_error": delete_error,
        "may_change": viewer.may(Permission.APPLICATIONS_WRITE),
    }
    failed = bool(delete_error or any(each and each.errors for each in (form, rotation, protection)))
    return render(request, "oauth/application.html", _with(viewer, context), status=400 if failed else 200)


def _consequences(row: Application) -> list[str]:
    """Say with live numbers what a deletion would end."""
    people = Consent.objects.filter(application=row, revoked_at=None).count()
    families = RefreshToken.objects.filter(application=row, revoked=None, used_at=None).count()
    return [
        ngettext("%(n)d person has allowed it.", "%(n)d people have allowed it.", people) % {"n": people},
        ngettext("%(n)d refresh token ends.", "%(n)d refresh tokens end.", families) % {"n": families},
    ]


def _settings_form(row: Application, data: Any) -> ApplicationForm:
    return ApplicationForm(data, tenant=tenant_ref(), type=row.type, initial=initial_of(row))


def _with(viewer: Viewer, context: dict[str, Any]) -> dict[str, Any]:
    new_url = viewer.url(SECTION, "new") if viewer.may(Permission.APPLICATIONS_WRITE) else ""
    return {"applications_url": viewer.url(SECTION), "new_url": new_url, **context}


def _page(request: HttpRequest, rows: Any) -> tuple[list[Application], str]:
    """Return one page, newest first, and the address of the next; `after` is the last id seen."""
    with suppress(ids.MalformedId):
        rows = rows.filter(id__lt=ids.decode(Application.PREFIX, request.GET.get("after", "")))
    page = list(rows.order_by("-id")[: PAGE + 1])
    if len(page) <= PAGE:
        return page, ""
    query = request.GET.copy()
    query["after"] = page[PAGE - 1].public_id
    return page[:PAGE], f"?{query.urlencode()}"


def _application(application_id: str) -> Application:
    try:
        return applications.application(ids.decode(Application.PREFIX, application_id))
    except ids.MalformedId:
        raise NotFound from None


def _unconfirmed(request: HttpRequest, name: str) -> str:
    if request.POST.get("confirm", "").strip() != name:
        return _("Type the name exactly as shown.")
    return "" if request.POST.get("reason", "").strip() else _("Give a reason: it is kept in the audit log.")


def _see_other(url: str) -> HttpResponse:
    return HttpResponseRedirect(url, status=303)


ROUTES = [
    (SECTION, application_list, Permission.APPLICATIONS_READ),
    (f"{SECTION}/new", application_create, Permission.APPLICATIONS_WRITE),
    (f"{SECTION}/<str:application_id>", application_detail, Permission.APPLICATIONS_READ),
    (f"{SECTION}/<str:application_id>/protection", application_protect, Permission.APPLICATIONS_WRITE),
    (f"{SECTION}/<str:application_id>/rotation", application_rotate, Permission.APPLICATIONS_WRITE),
    (f"{SECTION}/<str:application_id>/suspension", application_suspend, Permission.APPLICATIONS_WRITE),
    (f"{SECTION}/<str:application_id>/deletion", application_delete, Permission.APPLICATIONS_WRITE),
]
