"""The person's own tokens: made with a fresh sign-in, shown once, listed, revoked (C28)."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import scope
from core.errors import Conflict
from core.lookups import id_or_missing
from core.pages import READ_WRITE
from core.urls import absolute
from identity import tokens
from identity.models import AccountToken
from portal.forms import TokenForm
from portal.frame import Own, own_page, recent_page


@require_safe
@own_page
def token_list(own: Own) -> HttpResponse:
    with scope.account(own.session.account_id):
        rows = list(tokens.live_tokens(own.session.account_id))
    labels = dict(TokenForm.base_fields["scopes"].choices)  # type: ignore[attr-defined]
    shown = [{"token": row, "words": [labels[word] for word in row.scopes]} for row in rows]
    return own.render("tokens", rows=shown, revoked=own.request.GET.get("notice") == "revoked")


@require_http_methods(READ_WRITE)
@recent_page
def create(own: Own) -> HttpResponse:
    """Make a token; its secret is in this one answer and nowhere else."""
    form = TokenForm(own.request.POST if own.request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            with scope.account(own.session.account_id):
                issued = tokens.issue(account_id=own.session.account_id, **form.cleaned_data)
        except Conflict:
            form.add_error(None, _("You have as many tokens as you can have. Revoke one first."))
        else:
            return own.render("token_issued", issued=issued, code=_sample())
    return own.render("new_token", 400 if form.errors else 200, form=form)


def _sample() -> str:
    return (
        f'curl {absolute("origin", "api-tenants")} \\\n  -H "Authorization: Bearer $ACCOUNT_TOKEN" \\\n'
        "  -H 'Content-Type: application/json' \\\n"
        '  -d \'{"name": "Acme", "slug": "acme-staging", "mode": "test"}\''
    )


@require_POST
@own_page
def revoke(own: Own, token_id: str) -> HttpResponse:
    with scope.account(own.session.account_id):
        tokens.revoke(
            account_id=own.session.account_id, token_id=id_or_missing(AccountToken.PREFIX, token_id)
        )
    return own.go("portal_tokens", notice="revoked")
