from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from portal import addresses, applications, pages, privacy, tokens

urlpatterns: list[URLPattern | URLResolver] = [
    path("account/", pages.profile, name="portal_profile"),
    path("account/addresses/add", addresses.add, name="portal_add_address"),
    path("account/addresses/proof", addresses.prove, name="portal_prove_address"),
    path("account/addresses/<str:address_id>/primary", addresses.make_primary, name="portal_make_primary"),
    path("account/addresses/<str:address_id>/remove", addresses.remove, name="portal_remove_address"),
    path("account/security", pages.security, name="portal_security"),
    path("account/password", pages.password, name="portal_password"),
    path("account/sessions", pages.session_list, name="portal_sessions"),
    path("account/sessions/others/end", pages.end_other_sessions, name="portal_end_others"),
    path("account/sessions/<str:session_id>/end", pages.end_session, name="portal_end_session"),
    path("account/applications", applications.application_list, name="portal_applications"),
    path("account/applications/<str:consent_id>/withdrawal", applications.withdraw, name="portal_withdraw"),
    path("account/privacy", privacy.service_list, name="portal_privacy"),
    path("account/privacy/<str:tenant_id>/address", privacy.choose_address, name="portal_tenant_address"),
    path("account/privacy/<str:tenant_id>/departure", privacy.cut_off, name="portal_cut_off"),
    path("account/tokens", tokens.token_list, name="portal_tokens"),
    path("account/tokens/new", tokens.create, name="portal_new_token"),
    path("account/tokens/<str:token_id>/revocation", tokens.revoke, name="portal_revoke_token"),
    path("account/organizations", pages.organization_list, name="portal_organizations"),
]
