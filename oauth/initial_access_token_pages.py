"""The dashboard's pages of initial access tokens (RFC 7591 §3): plain functions in an open tenant scope."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.lookups import id_or_missing
from oauth import applications
from oauth import initial_access_tokens as tokens
from oauth.applications import tenant_ref
from oauth.forms import Lines, offered_scopes
from oauth.grants import AUTHORIZATION_CODE, CLIENT_CREDENTIALS, DEVICE_CODE, REFRESH_TOKEN
from oauth.models import InitialAccessToken
from oauth.token_pages import SECTION as APPLICATIONS
from roles.permissions import Permission
from tenants.pagekit import Explained, Viewer, act, asked, list_context, listing, posted, select, show

SECTION = "initial-access-tokens"
READ, WRITE = Permission.APPLICATIONS_READ, Permission.APPLICATIONS_WRITE
SHOWN = 50
GRANTS = {
    AUTHORIZATION_CODE: gettext_lazy("Sign people in"),
    REFRESH_TOKEN: gettext_lazy("Stay signed in with refresh tokens"),
    DEVICE_CODE: gettext_lazy("Sign people in on devices without a browser"),
    CLIENT_CREDENTIALS: gettext_lazy("Act for itself, without a person"),
}
STATES = {
    "active": gettext_lazy("Active"),
    "used_up": gettext_lazy("Used up"),
    "expired": gettext_lazy("Expired"),
    "revoked": gettext_lazy("Revoked"),
}
HOUR, DAY = 3600, 86_400
CURL = """curl {issuer}/oauth/register \\
  -H "Authorization: Bearer $INITIAL_ACCESS_TOKEN" \\
  -H 'Content-Type: application/json' \\
  -d '{{"client_name": "My app", "redirect_uris": ["https://app.example/callback"]}}'"""


class TokenForm(Explained):
    name = forms.CharField(
        max_length=120, help_text=gettext_lazy("Whom or what you give it to. Only administrators see it.")
    )
    max_uses = forms.IntegerField(
        label=gettext_lazy("How many clients it may register"),
        min_value=1,
        max_value=tokens.MOST_USES,
        initial=1,
    )
    expires_in = forms.TypedChoiceField(
        label=gettext_lazy("Good for"),
        coerce=int,
        initial=7 * DAY,
        choices=[
            (HOUR, gettext_lazy("1 hour")),
            (DAY, gettext_lazy("1 day")),
            (7 * DAY, gettext_lazy("7 days")),
            (30 * DAY, gettext_lazy("30 days")),
            (365 * DAY, gettext_lazy("1 year")),
        ],
    )
    redirect_uris = Lines(
        label=gettext_lazy("Redirect URIs must begin with"),
        help_text=gettext_lazy(
            "One a line, such as https://app.example/. Empty: any address that is safe in itself."
        ),
    )
    grants = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple,
        label=gettext_lazy("What such clients may do"),
        choices=list(GRANTS.items()),
        initial=[AUTHORIZATION_CODE, REFRESH_TOKEN],
    )
    scopes = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label=gettext_lazy("Scopes they may ask for"),
        initial=["openid", "profile", "email", "offline_access"],
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        offered_scopes(self.fields["scopes"], tenant_ref(), personal=True)


def initial_access_token_list(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """List tokens, newest first, narrowed by state and the beginning of the name."""
    state, q = asked(request, "status"), asked(request, "q")
    rows = tokens.with_status(tokens.initial_access_tokens(), [state] if state else [])
    page = listing(request, rows.filter(name__istartswith=q) if q else rows)
    return show(
        request,
        "oauth/initial_access_tokens.html",
        rows=[(row, STATES[row.status]) for row in page.rows],
        tokens_url=viewer.url(SECTION),
        new_url=viewer.url(SECTION, "new") if viewer.may(WRITE) else "",
        **list_context(page, q, [select("status", _("Any state"), state, STATES.items())]),
    )


def initial_access_token_create(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Say what the token allows; it is shown once, in the answer."""
    form = TokenForm(posted(request))
    if form.is_valid():
        issued = form.carry_out(
            lambda: tokens.create_initial_access_token(actor=viewer.principal, **form.cleaned_data)
        )
        if issued is not None:
            return _shown_once(request, viewer, issued)
    back = viewer.url(SECTION)
    return show(request, "oauth/new_initial_access_token.html", form, form=form, tokens_url=back)


def _shown_once(request: HttpRequest, viewer: Viewer, issued: tokens.IssuedToken) -> HttpResponse:
    return show(
        request,
        "oauth/issued_initial_access_token.html",
        row=issued.row,
        secret=issued.secret,
        samples=[{"label": "curl", "code": CURL.format(issuer=tenant_ref().issuer)}],
        done_url=viewer.url(SECTION, issued.row.public_id),
    )


def initial_access_token_detail(request: HttpRequest, viewer: Viewer, token_id: str) -> HttpResponse:
    row = _read(token_id)
    registered = applications.applications().filter(initial_access_token=row).order_by("-id")
    return show(
        request,
        "oauth/initial_access_token.html",
        row=row,
        state=STATES[row.status],
        rows=_facts(row),
        registered=registered[:SHOWN],
        crumbs=[{"label": _("Initial access tokens"), "url": viewer.url(SECTION)}],
        revoke_url=viewer.url(SECTION, row.public_id, "revocation"),
        applications_url=viewer.url(APPLICATIONS),
        may_change=viewer.may(WRITE) and row.revoked_at is None,
    )


def _facts(row: InitialAccessToken) -> list[dict[str, Any]]:
    anywhere = _("Any that is safe in itself")
    return [
        {"label": _("Uses"), "value": _("%(uses)s of %(most)s") % {"uses": row.uses, "most": row.max_uses}},
        {"label": _("Redirect URIs must begin with"), "value": ", ".join(row.redirect_uris) or anywhere},
        {"label": _("Grants"), "value": ", ".join(row.grants)},
        {"label": _("Scopes"), "value": " ".join(row.scopes)},
        {"label": _("Made by"), "value": row.created_by, "kind": "copy"},
        {"label": _("Expires"), "value": row.expires_at, "kind": "time"},
        {"label": _("Last used"), "value": row.last_used_at, "kind": "time"},
    ]


def initial_access_token_revoke(request: HttpRequest, viewer: Viewer, token_id: str) -> HttpResponse:
    row = _read(token_id)
    return act(
        request,
        viewer.url(SECTION, row.public_id),
        lambda: tokens.revoke_initial_access_token(actor=viewer.principal, token=row),
        _("The token is revoked. What it registered stays."),
    )


def _read(token_id: str) -> InitialAccessToken:
    return tokens.initial_access_token(id_or_missing(InitialAccessToken.PREFIX, token_id))


ROUTES = [
    (SECTION, initial_access_token_list, READ),
    (f"{SECTION}/new", initial_access_token_create, WRITE),
    (f"{SECTION}/<str:token_id>", initial_access_token_detail, READ),
    (f"{SECTION}/<str:token_id>/revocation", initial_access_token_revoke, WRITE),
]
