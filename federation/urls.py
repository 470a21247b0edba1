from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from federation import api, member_api

CONNECTION = "v1/sso-connections/<str:connection>"

urlpatterns: list[URLPattern | URLResolver] = [
    path(
        "v1/members/<str:member>/authenticators",
        member_api.MemberAuthenticators.as_view(),
        name="api-member-authenticators",
    ),
    path("v1/sso-connections", api.Connections.as_view(), name="api-sso-connections"),
    path(CONNECTION, api.OneConnection.as_view(), name="api-sso-connection"),
    path(f"{CONNECTION}/activation", api.Activation.as_view(), name="api-sso-activation"),
    path(f"{CONNECTION}/enforcement", api.Enforcement.as_view(), name="api-sso-enforcement"),
    path(f"{CONNECTION}/discovery", api.Discovery.as_view(), name="api-sso-discovery"),
    path(f"{CONNECTION}/test-sign-ins", api.TestSignIns.as_view(), name="api-sso-test-sign-ins"),
    path(f"{CONNECTION}/attempts", api.Attempts.as_view(), name="api-sso-attempts"),
    path(f"{CONNECTION}/identities", api.Identities.as_view(), name="api-sso-identities"),
    path(f"{CONNECTION}/identities/<str:linked>", api.OneIdentity.as_view(), name="api-sso-identity"),
    path(f"{CONNECTION}/exemptions", api.Exemptions.as_view(), name="api-sso-exemptions"),
    path(f"{CONNECTION}/exemptions/<str:exemption>", api.OneExemption.as_view(), name="api-sso-exemption"),
]
