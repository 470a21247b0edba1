"""The dashboard's pages of an application's tokens: life, algorithms, claims of its own."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import jose
from core.lookups import id_or_missing
from oauth import applications
from oauth.models import Application
from roles import claim_mapping
from roles.claim_pages import Owner, mapping_page
from roles.permissions import Permission
from tenants.pagekit import Explained, Viewer, posted, see_other, show

SECTION = "applications"
READ, WRITE = Permission.APPLICATIONS_READ, Permission.APPLICATIONS_WRITE
LIVES = ("access_token_lifetime", "id_token_lifetime", "refresh_lifetime")
_ALGORITHMS = [(alg, alg) for alg in jose.ALGORITHMS]


def seconds(label: Any) -> forms.IntegerField:
    help_text = gettext_lazy("Empty: the tenant's.")
    return forms.IntegerField(
        label=label, required=False, min_value=0, max_value=2**31 - 1, help_text=help_text
    )


class TokensForm(Explained):
    """How long an application's tokens live and what they are signed with."""

    access_token_lifetime = seconds(gettext_lazy("Access tokens live, in seconds"))
    id_token_lifetime = seconds(gettext_lazy("ID tokens live, in seconds"))
    refresh_lifetime = seconds(gettext_lazy("Refresh tokens live, in seconds"))
    id_token_signed_response_alg = forms.ChoiceField(
        label=gettext_lazy("ID tokens are signed with"),
        required=False,
        choices=[("", gettext_lazy("The default, ES256")), *_ALGORITHMS],
    )
    userinfo_signed_response_alg = forms.ChoiceField(
        label=gettext_lazy("UserInfo is answered as"),
        required=False,
        choices=[("", gettext_lazy("Plain JSON")), *_ALGORITHMS],
    )
    introspection_signed_response_alg = forms.ChoiceField(
        label=gettext_lazy("Introspection is answered as"),
        required=False,
        choices=[("", gettext_lazy("Plain JSON, unless a JWT is asked for")), *_ALGORITHMS],
    )


def application_tokens(request: HttpRequest, viewer: Viewer, application_id: str) -> HttpResponse:
    """Show and change what an application's tokens are like."""
    row = read(application_id)
    initial = {name: getattr(row, name) for name in TokensForm.base_fields}
    form = TokensForm(posted(request), initial=initial)
    if form.is_valid():
        saved = form.carry_out(
            lambda: applications.update_application(
                actor=viewer.principal, application=row, changes=form.cleaned_data
            )
        )
        if saved is not None:
            messages.success(request, _("Saved. New tokens follow it."))
            return see_other(viewer.url(SECTION, row.public_id, "tokens"))
    around = frame(viewer, row, "tokens")
    may = viewer.may(WRITE)
    return show(request, "oauth/tokens.html", form, form=form, application=row, may_change=may, **around)


def application_claims(request: HttpRequest, viewer: Viewer, application_id: str) -> HttpResponse:
    """Claims of an application's ID and access tokens."""
    row = read(application_id)
    around = frame(viewer, row, "claims")
    owner = Owner(
        name=row.name,
        rules=list(row.claim_mapping),
        tokens=claim_mapping.TOKENS,
        save=lambda rules: applications.update_application(
            actor=viewer.principal, application=row, changes={"claim_mapping": rules}
        ),
        url=viewer.url(SECTION, row.public_id, "claims"),
        may_change=viewer.may(WRITE),
        tabs=around["tab_items"],
        crumbs=around["crumbs"],
        public_id=row.public_id,
        icon="app",
    )
    return mapping_page(request, viewer, owner)


def frame(viewer: Viewer, row: Application, tab: str) -> dict[str, Any]:
    base = viewer.url(SECTION, row.public_id)
    entries = [("", _("Application")), ("tokens", _("Tokens")), ("claims", _("Claims"))]
    if viewer.may(WRITE):
        entries.append(("assignment", _("Who may use it")))
    return {
        "crumbs": [{"label": _("Applications"), "url": viewer.url(SECTION)}],
        "tab_items": [
            {"label": label, "url": f"{base}/{name}" if name else base, "active": name == tab}
            for name, label in entries
        ],
    }


def read(application_id: str) -> Application:
    return applications.application(id_or_missing(Application.PREFIX, application_id))


ROUTES = [
    (f"{SECTION}/<str:application_id>/tokens", application_tokens, READ),
    (f"{SECTION}/<str:application_id>/claims", application_claims, READ),
]
