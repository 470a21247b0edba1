"""The dashboard's pages of organizations: plain functions in an open tenant scope; `ROUTES` lists them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from core.lookups import id_or_missing
from organizations import domains, selectors, services
from organizations.models import Organization, OrganizationStatus
from tenants.pagekit import (
    Explained,
    Viewer,
    act,
    asked,
    list_context,
    listing,
    posted,
    reason,
    see_other,
    select,
    show,
    unconfirmed,
)

READ, WRITE = "organizations:read", "organizations:write"


class OrganizationForm(Explained):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    slug = forms.CharField(
        label=gettext_lazy("Short name"),
        max_length=63,
        required=False,
        help_text=gettext_lazy("Lower-case letters, digits and hyphens. Made of the name when left empty."),
    )
    external_id = forms.CharField(
        label=gettext_lazy("External id"),
        max_length=120,
        required=False,
        help_text=gettext_lazy("What another system of yours calls it."),
    )


class OwnForm(Explained):
    """What an organization's own people may change."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)


def status_label(status: str) -> str:
    labels = {OrganizationStatus.ACTIVE: _("Active"), OrganizationStatus.SUSPENDED: _("Suspended")}
    return labels[OrganizationStatus(status)]


def organization_list(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    q, status = asked(request, "q"), asked(request, "status")
    rows = domains.with_domains(selectors.with_counts(selectors.organizations()))
    if q:
        rows = selectors.search(rows, q)
    if status in (OrganizationStatus.ACTIVE, OrganizationStatus.SUSPENDED):
        rows = rows.filter(status=status)
    page = listing(request, rows)
    options = [(s.value, status_label(s)) for s in (OrganizationStatus.ACTIVE, OrganizationStatus.SUSPENDED)]
    selects = [select("status", _("Any status"), status, options)]
    may_create = viewer.may(WRITE) and viewer.principal.organization_id is None
    return show(
        request,
        "organizations/list.html",
        **list_context(page, q, selects),
        organizations_url=viewer.url("organizations"),
        new_url=viewer.url("organizations", "new") if may_create else "",
    )


def organization_create(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    form = OrganizationForm(posted(request))
    if form.is_valid():
        made = form.carry_out(
            lambda: services.create_organization(actor=viewer.principal, **form.cleaned_data)
        )
        if made is not None:
            messages.success(request, _("The organization is ready. Next: invite its people."))
            return see_other(viewer.url("organizations", made.public_id))
    back = viewer.url("organizations")
    return show(request, "organizations/new.html", form, form=form, organizations_url=back)


def organization_detail(request: HttpRequest, viewer: Viewer, organization_id: str) -> HttpResponse:
    """Show an organization; POST changes its name; the tenant's people change more of it."""
    organization = read(organization_id)
    kind = OwnForm if viewer.principal.organization_id else OrganizationForm
    initial = {name: getattr(organization, name) or "" for name in kind.base_fields}
    form = kind(posted(request), initial=initial)
    if form.is_valid():
        changes = {name: form.cleaned_data[name] or None for name in form.changed_data}
        saved = form.carry_out(
            lambda: services.update_organization(
                actor=viewer.principal, organization=organization, changes=kept(organization, changes)
            )
        )
        if saved is not None:
            messages.success(request, _("Saved."))
            return see_other(viewer.url("organizations", organization.public_id))
    return organization_page(request, viewer, organization, form)


def kept(organization: Organization, changes: dict[str, Any]) -> dict[str, Any]:
    """An emptied short name stays as it is; only the external id can be cleared."""
    return {name: value for name, value in changes.items() if value is not None or name == "external_id"}


def organization_page(
    request: HttpRequest,
    viewer: Viewer,
    organization: Organization,
    form: Explained,
    status: int = 0,
    **more: Any,
) -> HttpResponse:
    count = selectors.memberships(organization).count()
    return show(
        request,
        "organizations/detail.html",
        form,
        status=status,
        form=form,
        **surroundings(viewer, organization, ""),
        rows=facts(organization),
        may_change=viewer.may(WRITE),
        may_end=viewer.may(WRITE) and viewer.principal.organization_id is None,
        consequences=[ngettext("%(n)d person leaves it.", "%(n)d people leave it.", count) % {"n": count}],
        **more,
    )


def facts(organization: Organization) -> list[dict[str, Any]]:
    return [
        {"label": _("Short name"), "value": organization.slug, "kind": "code"},
        {"label": _("External id"), "value": organization.external_id},
        {"label": _("Created"), "value": organization.created_at, "kind": "time"},
        *({"label": name, "value": value} for name, value in sorted(organization.metadata.items())),
    ]


def surroundings(viewer: Viewer, organization: Organization, tab: str) -> dict[str, Any]:
    """Return what stands above every page of one organization."""
    base = viewer.url("organizations", organization.public_id)
    entries = [
        ("", _("Settings")),
        ("members", _("Members")),
        *([("groups", _("Groups"))] if viewer.may("groups:read") else []),
        ("domains", _("Domains")),
        ("sign-in", _("Sign-in")),
        ("sso", _("Single sign-on")),
        ("branding", _("Branding")),
    ]
    return {
        "organization": organization,
        "status_label": status_label(organization.status),
        "suspend_url": f"{base}/suspension",
        "delete_url": f"{base}/deletion",
        "members_url": f"{base}/members",
        "crumbs": [{"label": _("Organizations"), "url": viewer.url("organizations")}],
        "tab_items": [
            {"label": label, "url": f"{base}/{name}" if name else base, "active": name == tab}
            for name, label in entries
        ],
    }


def organization_suspend(request: HttpRequest, viewer: Viewer, organization_id: str) -> HttpResponse:
    """Suspend, or lift a suspension with `lift` in the form."""
    organization = read(organization_id)
    lift = bool(request.POST.get("lift"))
    status = OrganizationStatus.ACTIVE if lift else OrganizationStatus.SUSPENDED
    done = _("The organization works again.") if lift else _("The organization is suspended, with its keys.")
    return act(
        request,
        viewer.url("organizations", organization.public_id),
        lambda: services.update_organization(
            actor=viewer.principal, organization=organization, changes={"status": status.value}
        ),
        done,
    )


def organization_delete(request: HttpRequest, viewer: Viewer, organization_id: str) -> HttpResponse:
    organization = read(organization_id)
    if request.method == "POST" and (error := unconfirmed(request, organization.name)):
        form = OrganizationForm(
            initial={name: getattr(organization, name) for name in OrganizationForm.base_fields}
        )
        return organization_page(request, viewer, organization, form, 422, delete_error=error)
    why = reason(request)
    return act(
        request,
        viewer.url("organizations", organization.public_id),
        lambda: services.delete_organization(actor=viewer.principal, organization=organization, reason=why),
        _("The organization is deleted. Memberships, roles and keys in it have ended."),
        then=viewer.url("organizations"),
    )


def read(organization_id: str) -> Organization:
    return selectors.organization(id_or_missing(Organization.PREFIX, organization_id))


ROUTES = [
    ("organizations", organization_list, READ),
    ("organizations/new", organization_create, WRITE),
    ("organizations/<str:organization_id>", organization_detail, READ),
    ("organizations/<str:organization_id>/suspension", organization_suspend, WRITE),
    ("organizations/<str:organization_id>/deletion", organization_delete, WRITE),
]
