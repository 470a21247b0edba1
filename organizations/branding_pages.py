"""The branding tab of an organization, for the tenant's administrators and its own."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from organizations import branding
from organizations.pages import READ, WRITE, read, surroundings
from tenants.branding_forms import OwnBrandingForm
from tenants.branding_pages import Desk, at_desk, drop_logo, take_logo
from tenants.pagekit import Viewer


def of_organization(viewer: Viewer, organization_id: str) -> Desk:
    organization = read(organization_id)
    given: dict[str, Any] = {"actor": viewer.principal, "organization": organization}
    slug = viewer.tenant.slug
    return Desk(
        url=viewer.url("organizations", organization.public_id, "branding"),
        slug=slug,
        published=organization.branding,
        fields=branding.FIELDS,
        form=OwnBrandingForm,
        may_change=viewer.may(WRITE),
        worn=lambda values: branding.worn(viewer.tenant, organization, values),
        publish=lambda values: branding.publish(**given, values=values),
        set_logo=lambda variant, content: branding.set_logo(
            **given, slug=slug, variant=variant, content=content
        ),
        remove_logo=lambda variant: branding.remove_logo(**given, variant=variant),
        around=lambda: surroundings(viewer, organization, "branding"),
    )


def organization_brand(request: HttpRequest, viewer: Viewer, organization_id: str) -> HttpResponse:
    return at_desk(request, of_organization(viewer, organization_id))


def organization_logo(request: HttpRequest, viewer: Viewer, organization_id: str) -> HttpResponse:
    return take_logo(request, of_organization(viewer, organization_id))


def organization_logo_remove(
    request: HttpRequest, viewer: Viewer, organization_id: str, variant: str
) -> HttpResponse:
    return drop_logo(request, of_organization(viewer, organization_id), variant)


AT = "organizations/<str:organization_id>/branding"
ROUTES = [
    (AT, organization_brand, READ),
    (f"{AT}/logo", organization_logo, WRITE),
    (f"{AT}/logo/<str:variant>/removal", organization_logo_remove, WRITE),
]
