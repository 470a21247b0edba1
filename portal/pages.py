"""The person's own pages under /account/: security, password."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods, require_safe

from core import scope
from core.pages import READ_WRITE
from identity import authenticators, selectors, services, trusted_browsers
from identity.agents import describe_agent
from identity.errors import PasswordRefused
from portal.forms import NewPasswordForm
from portal.frame import Own, own_page, recent_page


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
    with scope.account(own.session.account_id):
        beside = authenticators.has_settled(own.session.account_id)
    form = NewPasswordForm(own.request.POST if own.request.method == "POST" else None, beside_a_factor=beside)
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
