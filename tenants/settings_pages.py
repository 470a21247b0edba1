"""The dashboard's pages of the tenant's own settings and policy; `ROUTES` lists them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from core.urls import issuer
from tenants import services
from tenants.forms import PolicyForm, SettingsForm
from tenants.models import Tenant
from tenants.pagekit import (
    Viewer,
    posted,
    see_other,
    show,
)
from tenants.policy import TenantPolicy


def settings(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Show and change what the tenant is called and where people find help."""
    tenant = viewer.tenant
    names = list(SettingsForm.base_fields)
    form = SettingsForm(
        posted(request),
        initial={name: getattr(tenant, name) for name in names},
    )
    if form.is_valid():
        changes = {name: form.cleaned_data[name] for name in form.changed_data}
        saved = form.carry_out(
            lambda: services.update_tenant(actor=viewer.principal, tenant=tenant, changes=changes)
        )
        if saved is not None:
            messages.success(request, _("Saved."))
            return see_other(viewer.url("settings"))
    return show(
        request,
        "tenants/settings.html",
        form,
        form=form,
        rows=_facts(tenant),
        may_change=viewer.may("tenant:write"),
        tab_items=settings_tabs(viewer, ""),
    )


def _facts(tenant: Tenant) -> list[dict[str, Any]]:
    return [
        {"label": _("Id"), "value": tenant.public_id, "kind": "copy"},
        {"label": _("Issuer"), "value": issuer(tenant.slug), "kind": "copy"},
        {"label": _("Environment"), "value": _("Test") if tenant.mode == "test" else _("Live")},
        {"label": _("Created"), "value": tenant.created_at, "kind": "time"},
    ]


def policy(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Show and change the tenant's policy; a change names its reason."""
    tenant = viewer.tenant
    initial = PolicyForm.initial_of(TenantPolicy.read(tenant.policy))
    form = PolicyForm(posted(request), initial=initial)
    if form.is_valid():
        changes = form.changes
        saved = form.carry_out(
            lambda: services.update_policy(actor=viewer.principal, tenant=tenant, changes=changes)
        )
        if saved is not None:
            messages.success(request, _("The policy is in force."))
            return see_other(viewer.url("settings", "policy"))
    may = viewer.may("policies:write")
    tabs = settings_tabs(viewer, "policy")
    return show(request, "tenants/policy.html", form, form=form, may_change=may, tab_items=tabs)


def settings_tabs(viewer: Viewer, tab: str) -> list[dict[str, Any]]:
    entries = [
        ("", _("General"), viewer.may("tenant:read")),
        ("policy", _("Policy"), viewer.may("policies:read")),
        ("protection", _("Protection"), viewer.may("policies:read")),
        ("branding", _("Branding"), viewer.may("tenant:read")),
        ("signing-keys", _("Signing keys"), viewer.may("tenant:read")),
    ]
    return [
        {"label": label, "url": viewer.url("settings", *([name] if name else [])), "active": name == tab}
        for name, label, shown in entries
        if shown
    ]


ROUTES = [
    ("settings", settings, "tenant:read"),
    ("settings/policy", policy, "policies:read"),
]
