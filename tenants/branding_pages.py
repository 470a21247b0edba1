"""The dashboard's branding page: a form, its contrast, and the real hosted pages with the draft (TEN-10).

One page serves the tenant and, from `organizations.branding_pages`, each organization; a `Desk` says whose
looks lie on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from core.errors import NotFound
from core.urls import tenant_path
from tenants import branding, images
from tenants.branding_forms import BrandingForm, LogoForm
from tenants.pagekit import Viewer, act, see_other, show
from tenants.settings_pages import settings_tabs

Published = Mapping[str, str]


@dataclass(frozen=True)
class Desk:
    """Whose looks are changed: what is published, how it is checked and published, what would be worn."""

    url: str
    slug: str
    published: Published
    fields: tuple[str, ...]
    form: type[BrandingForm]
    may_change: bool
    worn: Callable[[Published], Mapping[str, Any]]
    publish: Callable[[Published], Any]
    set_logo: Callable[[str, bytes], Any]
    remove_logo: Callable[[str], Any]
    around: Callable[[], dict[str, Any]]  # what stands above the page


def of_tenant(viewer: Viewer) -> Desk:
    given: dict[str, Any] = {"actor": viewer.principal, "tenant": viewer.tenant}
    return Desk(
        url=viewer.url("settings", "branding"),
        slug=viewer.tenant.slug,
        published=viewer.tenant.branding,
        fields=branding.FIELDS,
        form=BrandingForm,
        may_change=viewer.may("tenant:write"),
        worn=lambda values: values,
        publish=lambda values: branding.publish(**given, values=values),
        set_logo=lambda variant, content: branding.set_logo(**given, variant=variant, content=content),
        remove_logo=lambda variant: branding.remove_logo(**given, variant=variant),
        around=lambda: {"tab_items": settings_tabs(viewer, "branding")},
    )


def brand(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    return at_desk(request, of_tenant(viewer))


def logo(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    return take_logo(request, of_tenant(viewer))


def logo_remove(request: HttpRequest, viewer: Viewer, variant: str) -> HttpResponse:
    return drop_logo(request, of_tenant(viewer), variant)


def at_desk(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Show, preview and publish; a preview changes nothing."""
    sent = request.method == "POST"
    form = desk.form(request.POST if sent else None, initial=dict(desk.published))
    values: dict[str, str] | None = branding.checked(desk.published, desk.fields) if not sent else None
    if sent and form.is_valid():
        values = form.carry_out(lambda: branding.checked(form.cleaned_data, desk.fields))
        wanted = values is not None and "publish" in request.POST
        if wanted and form.carry_out(lambda: desk.publish(form.cleaned_data)) is not None:
            messages.success(request, _("Published."))
            return see_other(desk.url)
    return _page(request, desk, form, LogoForm(), values)


def take_logo(request: HttpRequest, desk: Desk) -> HttpResponse:
    sent = request.method == "POST"
    form = LogoForm(request.POST, request.FILES) if sent else LogoForm()
    if form.is_valid():
        content = form.cleaned_data["logo"].read(images.MOST_BYTES + 1)
        if form.carry_out(lambda: desk.set_logo(form.cleaned_data["variant"], content)) is not None:
            messages.success(request, _("Published."))
            return see_other(desk.url)
    shown = branding.checked(desk.published, desk.fields)
    return _page(request, desk, desk.form(initial=dict(desk.published)), form, shown)


def drop_logo(request: HttpRequest, desk: Desk, variant: str) -> HttpResponse:
    if variant not in branding.LOGOS:
        raise NotFound
    return act(request, desk.url, lambda: desk.remove_logo(variant), _("Removed."))


def _page(
    request: HttpRequest,
    desk: Desk,
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
        desk_url=desk.url,
        logos=_logos(desk),
        preview=_preview(desk, form, values),
        contrast=branding.contrast(values or {}),
        may_change=desk.may_change,
        **desk.around(),
    )
    response._csp_update = {"frame-src": ["'self'"]}  # type: ignore[attr-defined]
    return response


def _logos(desk: Desk) -> list[dict[str, str]]:
    labels = {"light": _("Light appearance"), "dark": _("Dark appearance")}
    return [
        {
            "variant": variant,
            "label": labels[variant],
            "url": desk.published[name],
            "remove_url": f"{desk.url}/logo/{variant}/removal",
        }
        for variant, name in branding.LOGOS.items()
        if name in desk.published
    ]


def _preview(desk: Desk, form: BrandingForm, values: dict[str, str] | None) -> dict[str, str]:
    if values is None:
        return {}
    shown = form.shown
    worn = desk.worn(values | branding.logos_of(desk.published))
    query = {name: shown[name] for name in ("screen", "appearance", "language")}
    query["draft"] = branding.draft(desk.slug, worn)
    return {"url": f"{tenant_path(desk.slug, 'brand_preview')}?{urlencode(query)}", "width": shown["width"]}


ROUTES = [
    ("settings/branding", brand, "tenant:read"),
    ("settings/branding/logo", logo, "tenant:write"),
    ("settings/branding/logo/<str:variant>/removal", logo_remove, "tenant:write"),
]
