"""Addresses of the hosted pages, under a tenant's address and at the bare origin."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from signin import (
    bound_pages,
    confirm_pages,
    factor_pages,
    guest_pages,
    mail_pages,
    onward_pages,
    pages,
    phone_pages,
    preview_pages,
    recovery_pages,
    sign_up_pages,
    sso_pages,
    wallet_pages,
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("sign-in", pages.sign_in, name="sign_in"),
    path("brand/preview", preview_pages.brand_preview, name="brand_preview"),
    path("sign-in/password", pages.password, name="sign_in_password"),
    path("sign-in/mail", mail_pages.by_mail, name="sign_in_mail"),
    path("sign-in/phone", phone_pages.phone, name="sign_in_phone"),
    path("sign-in/phone/code", phone_pages.code, name="sign_in_phone_code"),
    path("sign-in/wallet", wallet_pages.wallet, name="sign_in_wallet"),
    path("sign-in/wallet/signature", wallet_pages.signature, name="sign_in_wallet_signature"),
    path("sign-in/guest", guest_pages.guest, name="sign_in_guest"),
    path("sign-in/continue", onward_pages.go_on, name="sign_in_continue"),
    path("sign-in/passkey", factor_pages.passkey, name="sign_in_passkey"),
    path("sign-in/passkey/options", factor_pages.passkey_options, name="sign_in_passkey_options"),
    path("sign-in/second-factor", factor_pages.second_factor, name="second_factor"),
    path("sign-in/second-factor/options", factor_pages.second_factor_options, name="second_factor_options"),
    path("sign-in/confirm", confirm_pages.confirm, name="sign_in_confirm"),
    path("sign-in/terms", onward_pages.accept_terms, name="terms"),
    path("sign-in/enrol", factor_pages.enrol, name="enrol"),
    path("sign-in/enrol/app", bound_pages.add_app, name="enrol_app"),
    path("sign-in/enrol/passkey", bound_pages.add_passkey, name="enrol_passkey"),
    path("sign-in/enrol/passkey/options", bound_pages.passkey_options, name="enrol_passkey_options"),
    path("sso/start", sso_pages.start, name="sso_start"),
    path("sso/callback", sso_pages.callback, name="sso_callback"),
    path("sso/link", sso_pages.link, name="sso_link"),
    path("sso/test", sso_pages.test, name="sso_test"),
    path("sign-up", sign_up_pages.sign_up, name="sign_up"),
    path("verify", sign_up_pages.verify, name="verify"),
    path("recovery", recovery_pages.recovery, name="recovery"),
    path("recovery/new-password", recovery_pages.new_password, name="recovery_new_password"),
    path("organization", onward_pages.organization, name="organization"),
    path("sign-out", onward_pages.sign_out, name="sign_out"),
    path("signed-out", onward_pages.signed_out, name="signed_out"),
    path("suspended", onward_pages.suspended, name="suspended"),
]
