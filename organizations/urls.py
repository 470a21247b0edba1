from __future__ import annotations

from django.urls import path

from organizations import api

ORGANIZATION = "v1/organizations/<str:organization>"

urlpatterns = [
    path("v1/organizations", api.Organizations.as_view(), name="api-organizations"),
    path(ORGANIZATION, api.OneOrganization.as_view(), name="api-organization"),
    path(f"{ORGANIZATION}/members", api.Memberships.as_view(), name="api-memberships"),
    path(f"{ORGANIZATION}/members/<str:member>", api.OneMembership.as_view(), name="api-membership"),
]
