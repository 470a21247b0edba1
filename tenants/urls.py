"""Addresses of tenants, members, sessions and signing keys, after the tenant prefix was taken off."""

from __future__ import annotations

from django.urls import path

from tenants import account_api, api, branding_api, key_api, link_api, logo_pages, picture_pages, session_api
from tenants.branding import LOGOS

urlpatterns = [
    path("brand/logo/<str:digest>", logo_pages.brand_logo, name="brand_logo"),
    path("pictures/<str:token>", picture_pages.member_picture, name="member_picture"),
    path("v1/tenants", account_api.Tenants.as_view(), name="api-tenants"),
    path("v1/members", api.Members.as_view(), name="api-members"),
    path("v1/members/<str:member>", api.OneMember.as_view(), name="api-member"),
    path("v1/members/<str:member>/suspension", api.Suspension.as_view(), name="api-member-suspension"),
    path("v1/members/<str:member>/logout", api.Logout.as_view(), name="api-member-logout"),
    path(
        "v1/members/<str:member>/sessions", session_api.MemberSessions.as_view(), name="api-member-sessions"
    ),
    path(
        "v1/members/<str:member>/sessions/<str:session>",
        session_api.OneMemberSession.as_view(),
        name="api-member-session",
    ),
    path(
        "v1/members/<str:member>/linked-subjects",
        link_api.LinkedSubjects.as_view(),
        name="api-member-linked-subjects",
    ),
    path("v1/members/<str:member>/erasure", api.Erasure.as_view(), name="api-member-erasure"),
    path("v1/signing-keys", key_api.SigningKeys.as_view(), name="api-signing-keys"),
    path("v1/signing-key-rotations", key_api.Rotations.as_view(), name="api-signing-key-rotations"),
    path(
        "v1/signing-keys/<str:signing_key>/revocation",
        key_api.Revocation.as_view(),
        name="api-signing-key-revocation",
    ),
    path("v1/branding", branding_api.TenantBranding.as_view(), name="api-branding"),
    *(
        path(
            f"v1/branding/logos/{variant}",
            branding_api.TenantLogo.as_view(variant=variant),
            name=f"api-branding-logo-{variant}",
        )
        for variant in LOGOS
    ),
    path("v1/tenant", api.OneTenant.as_view(), name="api-tenant"),
    path("v1/tenant/policy", api.Policy.as_view(), name="api-tenant-policy"),
]
