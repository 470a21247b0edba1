"""The person's own pages under /account/: profile, security, password."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils import translation
from django.views.decorators.http import require_http_methods, require_safe

from core import languages, scope
from identity import authenticators, selectors, services, trusted_browsers
from identity.agents import describe_agent
from identity.errors import PasswordRefused
from portal.forms import NewPasswordForm, ProfileForm
from portal.frame import Own, own_page, recent_page

READ_WRITE = ["GET", "HEAD", "POST"]


@require_http_methods(READ_WRITE)
@own_page
def profile(own: Own) -> HttpResponse:
    account_id = own.session.account_id
    form = ProfileForm(own.request.POST if own.request.method == "POST" else None)
    with scope.account(account_id):
        if form.is_bound and form.is_valid():
            services.rename(account_id=account_id, **form.cleaned_data)
            response = own.go("portal_profile", notice="saved")
            languages.remember(response, form.cleaned_data["locale"])
            return response
        account, addresses = selectors.account(account_id), list(selectors.emails(account_id))
    assert account is not None
    if not form.is_bound:
        form = ProfileForm(
            initial={"name": account.name, "locale": account.locale or translation.get_language()}
        )
    saved = own.request.GET.get("notice") == "saved"
    return own.render("profile", 400 if form.errors else 200, form=form, addresses=addresses, saved=saved)


@require_safe
@own_page
def security(own: Own) -> HttpResponse:
    with scope.account(own.session.account_id):
        account = selectors.account(own.session.account_id)
        held = authenticators.held(own.session.account_id)
        trusted = list(trusted_browsers.trusted(own.session.account_id))
    assert account is not None
    changed = own.request.GET.get("notice") == "changed"
    return own.render(
        "security",
        account=account,
        has_password=account.has_usable_password(),
        changed=changed,
        held=held,
        trusted=[{"row": row, "device": describe_agent(row.user_agent)} for row in trusted],
        notice=own.request.GET.get("notice", ""),
    )


@require_http_methods(READ_WRITE)
@recent_page
def password(own: Own) -> HttpResponse:
    """Choose a new password; every other sign-in of the account ends with it."""
    form = NewPasswordForm(own.request.POST if own.request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            services.change_password(
                account_id=own.session.account_id,
                password=form.cleaned_data["new_password"],
                words=[own.session.account_name, own.session.email],
                keep=own.session.id,
            )
        except PasswordRefused as problem:
            for error in problem.errors:
                form.add_error("new_password", error.detail)
        else:
            return own.go("portal_security", notice="changed")
    return own.render("password", 400 if form.errors else 200, form=form)
