"""Addresses of keys and service accounts, after the tenant prefix was taken off."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from apikeys import api, document  # noqa: F401 — describes what is no Endpoint
from apikeys.token_endpoint import token

urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/auth/token", token, name="key-exchange"),
    path("v1/api-keys", api.Keys.as_view(), name="api-keys"),
    path("v1/api-keys/<str:key>", api.Key.as_view(), name="api-key"),
    path("v1/api-keys/<str:key>/rotation", api.KeyRotation.as_view(), name="api-key-rotation"),
    path(
        "v1/organizations/<str:organization>/api-keys",
        api.OrganizationKeys.as_view(),
        name="organization-keys",
    ),
    path("v1/service-accounts", api.ServiceAccounts.as_view(), name="service-accounts"),
    path("v1/service-accounts/<str:account>", api.ServiceAccount.as_view(), name="service-account"),
    path(
        "v1/service-accounts/<str:account>/suspension",
        api.ServiceAccountSuspension.as_view(),
        name="service-account-suspension",
    ),
]
