from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from portal import (
    activity,
    addresses,
    applications,
    authenticators,
    contacts,
    data,
    pages,
    privacy,
    renewal,
    tokens,
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("account/", pages.profile, name="portal_profile"),
    path("account/addresses/add", addresses.add, name="portal_add_address"),
    path("account/addresses/proof", addresses.prove, name="portal_prove_address"),
    path("account/addresses/<str:address_id>/primary", addresses.make_primary, name="portal_make_primary"),
    path("account/addresses/<str:address_id>/remove", addresses.remove, name="portal_remove_address"),
    path("account/contacts", contacts.contact_list, name="portal_contacts"),
    path("account/contacts/phones/add", contacts.add_phone, name="portal_add_phone"),
    path("account/contacts/phones/proof", contacts.prove_phone, name="portal_prove_phone"),
    path("account/contacts/wallets/add", contacts.add_wallet, name="portal_add_wallet"),
    path("account/contacts/wallets/proof", contacts.prove_wallet, name="portal_prove_wallet"),
    path("account/contacts/<str:kind>/<str:row_id>/unlink", contacts.unlink, name="portal_unlink_contact"),
    path("account/security", pages.security, name="portal_security"),
    path("account/authenticators/app", authenticators.add_app, name="portal_new_app"),
    path("account/authenticators/passkey", authenticators.add_passkey, name="portal_new_passkey"),
    path(
        "account/authenticators/passkey/options",
        authenticators.passkey_options,
        name="portal_passkey_options",
    ),
    path(
        "account/authenticators/recovery-codes", authenticators.recovery_codes, name="portal_recovery_codes"
    ),
    path(
        "account/authenticators/<str:authenticator_id>/name",
        authenticators.rename,
        name="portal_rename_authenticator",
    ),
    path(
        "account/authenticators/<str:authenticator_id>/removal",
        authenticators.remove,
        name="portal_remove_authenticator",
    ),
    path("account/password", pages.password, name="portal_password"),
    path("account/session", renewal.renewal, name="portal_session"),
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
    path("account/activity", activity.activity, name="portal_activity"),
    path("account/activity/takeover", activity.report_takeover, name="portal_takeover"),
    path("account/data", data.own_data, name="portal_data"),
    path("account/data/exports", data.request_export, name="portal_request_export"),
    path("account/data/exports/<str:export_id>/file", data.download, name="portal_download"),
    path("account/data/exports/<str:export_id>/removal", data.delete_export, name="portal_delete_export"),
    path("account/data/deletion", data.plan_deletion, name="portal_plan_deletion"),
    path("account/data/deletion/cancellation", data.cancel_deletion, name="portal_cancel_deletion"),
    path("account/organizations", pages.organization_list, name="portal_organizations"),
]
