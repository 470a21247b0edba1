from __future__ import annotations

from django.urls import path

from organizations import api, branding_api, domain_api
from tenants.branding import LOGOS

ORGANIZATION = "v1/organizations/<str:organization>"
DOMAIN = f"{ORGANIZATION}/domains/<str:domain>"

urlpatterns = [
    path("v1/organizations", api.Organizations.as_view(), name="api-organizations"),
    path(ORGANIZATION, api.OneOrganization.as_view(), name="api-organization"),
    path(
        f"{ORGANIZATION}/branding",
        branding_api.OrganizationBranding.as_view(),
        name="api-organization-branding",
    ),
    *(
        path(
            f"{ORGANIZATION}/branding/logos/{variant}",
            branding_api.OrganizationLogo.as_view(variant=variant),
            name=f"api-organization-logo-{variant}",
        )
        for variant in LOGOS
    ),
    path(f"{ORGANIZATION}/domains", domain_api.Domains.as_view(), name="api-organization-domains"),
    path(DOMAIN, domain_api.OneDomain.as_view(), name="api-organization-domain"),
    path(f"{DOMAIN}/verify", domain_api.DomainVerification.as_view(), name="api-organization-domain-verify"),
    path(f"{ORGANIZATION}/members", api.Memberships.as_view(), name="api-memberships"),
    path(f"{ORGANIZATION}/members/<str:member>", api.OneMembership.as_view(), name="api-membership"),
]
