"""The dashboard's branding page: a form, its contrast, and the real hosted page with the draft (TEN-10)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.errors import NotFound
from core.urls import tenant_path
from tenants import branding, images
from tenants.pagekit import Explained, Viewer, act, see_other, show
from tenants.pages import settings_tabs

SCREENS = ("sign_in", "stopped")


class BrandingForm(Explained):
    brand = forms.CharField(
        label=gettext_lazy("Brand colour"),
        max_length=7,
        required=False,
        help_text=gettext_lazy("The ground of buttons, such as #1d4ed8. Links get a shade that reads."),
    )
    brand_ink = forms.CharField(
        label=gettext_lazy("Text on it"),
        max_length=7,
        required=False,
        help_text=gettext_lazy("Left empty, black or white is taken, whichever reads better."),
    )
    text_en = forms.CharField(label=gettext_lazy("Words at sign-in, English"), max_length=200, required=False)
    text_de = forms.CharField(label=gettext_lazy("Words at sign-in, German"), max_length=200, required=False)
    sender = forms.CharField(
        label=gettext_lazy("Sender of mails"),
        max_length=80,
        required=False,
        help_text=gettext_lazy("The name that mails come from. Left empty it is the tenant's name."),
    )


class LogoForm(Explained):
    logo = forms.FileField(
        label=gettext_lazy("Logo"), help_text=gettext_lazy("PNG or JPEG, at most 200 KB and 2000 pixels.")
    )
    variant = forms.ChoiceField(
        label=gettext_lazy("For"),
        choices=[("light", gettext_lazy("Light appearance")), ("dark", gettext_lazy("Dark appearance"))],
    )


def brand(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Show, preview and publish; a preview changes nothing."""
    tenant, sent = viewer.tenant, request.method == "POST"
    form = BrandingForm(request.POST if sent else None, initial=tenant.branding)
    values: dict[str, str] | None = branding.checked(tenant.branding) if not sent else None
    if sent and form.is_valid():
        values = form.carry_out(lambda: branding.checked(form.cleaned_data))
        if values is not None and "publish" in request.POST:
            done = form.carry_out(
                lambda: branding.publish(actor=viewer.principal, tenant=tenant, values=form.cleaned_data)
            )
            if done is not None:
                messages.success(request, _("Published."))
                return see_other(viewer.url("settings", "branding"))
    return _page(request, viewer, form, LogoForm(), values)


def logo(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Take an uploaded logo."""
    sent = request.method == "POST"
    form = LogoForm(request.POST, request.FILES) if sent else LogoForm()
    if form.is_valid():
        content = form.cleaned_data["logo"].read(images.MOST_BYTES + 1)
        saved = form.carry_out(
            lambda: branding.set_logo(
                actor=viewer.principal,
                tenant=viewer.tenant,
                variant=form.cleaned_data["variant"],
                content=content,
            )
        )
        if saved is not None:
            messages.success(request, _("Published."))
            return see_other(viewer.url("settings", "branding"))
    shown = branding.checked(viewer.tenant.branding)
    return _page(request, viewer, BrandingForm(initial=viewer.tenant.branding), form, shown)


def logo_remove(request: HttpRequest, viewer: Viewer, variant: str) -> HttpResponse:
    if variant not in branding.LOGOS:
        raise NotFound
    return act(
        request,
        viewer.url("settings", "branding"),
        lambda: branding.remove_logo(actor=viewer.principal, tenant=viewer.tenant, variant=variant),
        _("Removed."),
    )


def _page(
    request: HttpRequest,
    viewer: Viewer,
    form: BrandingForm,
    logo_form: LogoForm,
    values: dict[str, str] | None,
) -> HttpResponse:
    response = show(
        request,
        "tenants/branding.html",
        form,
        logo_form,
        form=form,
        logo_form=logo_form,
        logo_url=viewer.url("settings", "branding", "logo"),
        logos=_logos(viewer),
        previews=_previews(viewer, values),
        contrast=branding.contrast(values or {}),
        may_change=viewer.may("tenant:write"),
        tab_items=settings_tabs(viewer, "branding"),
    )
    response._csp_update = {"frame-src": ["'self'"]}  # type: ignore[attr-defined]
    return response


def _logos(viewer: Viewer) -> list[dict[str, str]]:
    known = viewer.tenant.branding
    return [
        {
            "variant": variant,
            "url": known[name],
            "remove_url": viewer.url("settings", "branding", "logo", variant, "removal"),
        }
        for variant, name in branding.LOGOS.items()
        if name in known
    ]


def _previews(viewer: Viewer, values: dict[str, str] | None) -> list[dict[str, Any]]:
    if values is None:
        return []
    written = branding.draft(viewer.tenant, values)
    path = tenant_path(viewer.tenant.slug, "brand_preview")
    labels = {"sign_in": _("Sign in"), "stopped": _("Error page")}
    return [{"label": labels[s], "url": f"{path}?screen={s}&draft={written}"} for s in SCREENS]


ROUTES = [
    ("settings/branding", brand, "tenant:read"),
    ("settings/branding/logo", logo, "tenant:write"),
    ("settings/branding/logo/<str:variant>/removal", logo_remove, "tenant:write"),
]
