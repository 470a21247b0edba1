"""The dashboard's pages of initial access tokens, and the acts on clients that came by themselves."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import ids
from core.errors import NotFound, Problem
from oauth import applications, try_it
from oauth import initial_access_tokens as tokens
from oauth.applications import tenant_ref
from oauth.errors import OAuthError
from oauth.forms import Explaining, Lines, offered_scopes
from oauth.grants import AUTHORIZATION_CODE, CLIENT_CREDENTIALS, DEVICE_CODE, REFRESH_TOKEN
from oauth.models import ClientSecret, InitialAccessToken
from oauth.pages import SECTION, Viewer, _application, _see_other
from roles.permissions import Permission

TOKENS = "initial-access-tokens"
TRY_COOKIE = "try_it"
PAGE = 50
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


class TokenForm(Explaining, forms.Form):
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
    state, q = (request.GET.get(name, "").strip() for name in ("status", "q"))
    rows = tokens.with_status(tokens.initial_access_tokens(), [state] if state else [])
    if q:
        rows = rows.filter(name__istartswith=q)
    page, older = _page(request, rows)
    context = {
        "rows": [(row, STATES[row.status]) for row in page],
        "next_url": older,
        "q": q,
        "is_narrowed": bool(state or q),
        "selects": [{"name": "status", "label": _("Any state"), "value": state, "options": STATES.items()}],
    }
    return render(request, "oauth/initial_access_tokens.html", _with(viewer, context))


def _page(request: HttpRequest, rows: Any) -> tuple[list[InitialAccessToken], str]:
    after = request.GET.get("after", "")
    if after:
        rows = rows.filter(id__lt=_id(after))
    page = list(rows.order_by("-id")[: PAGE + 1])
    if len(page) <= PAGE:
        return page, ""
    query = request.GET.copy()
    query["after"] = page[PAGE - 1].public_id
    return page[:PAGE], f"?{query.urlencode()}"


def initial_access_token_create(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Say what the token allows; it is shown once, in the answer."""
    form = TokenForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            issued = tokens.create_initial_access_token(actor=viewer.principal, **form.cleaned_data)
        except Problem as problem:
            form.explain(problem)
        else:
            return _shown_once(request, viewer, issued)
    context = _with(viewer, {"form": form})
    return render(request, "oauth/new_initial_access_token.html", context, status=400 if form.errors else 200)


def _shown_once(request: HttpRequest, viewer: Viewer, issued: tokens.IssuedToken) -> HttpResponse:
    issuer = tenant_ref().issuer
    curl = (
        f"curl {issuer}/oauth/register \\\n"
        '  -H "Authorization: Bearer $INITIAL_ACCESS_TOKEN" \\\n'
        "  -H 'Content-Type: application/json' \\\n"
        """  -d '{"client_name": "My app", "redirect_uris": ["https://app.example/callback"]}'"""
    )
    context = {
        "row": issued.row,
        "secret": issued.secret,
        "samples": [{"label": "curl", "code": curl}],
        "done_url": viewer.url(TOKENS, issued.row.public_id),
    }
    return render(request, "oauth/issued_initial_access_token.html", _with(viewer, context))


def initial_access_token_detail(request: HttpRequest, viewer: Viewer, token_id: str) -> HttpResponse:
    row = tokens.initial_access_token(_id(token_id))
    registered = applications.applications().filter(initial_access_token=row).order_by("-id")[:PAGE]
    anywhere = _("Any that is safe in itself")
    rows = [
        {"label": _("Uses"), "value": _("%(uses)s of %(most)s") % {"uses": row.uses, "most": row.max_uses}},
        {"label": _("Redirect URIs must begin with"), "value": ", ".join(row.redirect_uris) or anywhere},
        {"label": _("Grants"), "value": ", ".join(row.grants)},
        {"label": _("Scopes"), "value": " ".join(row.scopes)},
        {"label": _("Made by"), "value": row.created_by, "kind": "copy"},
        {"label": _("Expires"), "value": row.expires_at, "kind": "time"},
        {"label": _("Last used"), "value": row.last_used_at, "kind": "time"},
    ]
    context = {
        "row": row,
        "state": STATES[row.status],
        "rows": rows,
        "registered": registered,
        "crumbs": [{"label": _("Initial access tokens"), "url": viewer.url(TOKENS)}],
        "revoke_url": viewer.url(TOKENS, row.public_id, "revocation"),
        "applications_url": viewer.url(SECTION),
        "may_change": viewer.may(Permission.APPLICATIONS_WRITE) and row.revoked_at is None,
    }
    return render(request, "oauth/initial_access_token.html", _with(viewer, context))


def initial_access_token_revoke(request: HttpRequest, viewer: Viewer, token_id: str) -> HttpResponse:
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    row = tokens.initial_access_token(_id(token_id))
    tokens.revoke_initial_access_token(actor=viewer.principal, token=row)
    messages.success(request, _("The token is revoked. What it registered stays."))
    return _see_other(viewer.url(TOKENS, row.public_id))


def application_vet(request: HttpRequest, viewer: Viewer, application_id: str) -> HttpResponse:
    """Vouch for a client that came by itself, or take that back with `withdraw` in the form."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    row = _application(application_id)
    vetted = not request.POST.get("withdraw")
    applications.vet_application(actor=viewer.principal, application=row, vetted=vetted)
    messages.success(request, _("You vouch for it now.") if vetted else _("The vetting is taken back."))
    return _see_other(viewer.url(SECTION, row.public_id))


def application_revoke_secret(request: HttpRequest, viewer: Viewer, application_id: str) -> HttpResponse:
    """Stop one of two live secrets at once."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    row = _application(application_id)
    secret = applications.secret_of(row, _id(request.POST.get("secret", ""), ClientSecret.PREFIX))
    applications.revoke_secret(actor=viewer.principal, application=row, secret=secret)
    messages.success(request, _("The secret is revoked."))
    return _see_other(viewer.url(SECTION, row.public_id))


def application_try(request: HttpRequest, viewer: Viewer, application_id: str) -> HttpResponse:
    """POST begins a test sign-in; the browser comes back with a code, which is redeemed and shown decoded."""
    row, tenant = _application(application_id), tenant_ref()
    cookie: dict[str, Any] = {
        "path": viewer.url(SECTION),
        "httponly": True,
        "secure": settings.SECURE,
        "samesite": "Lax",
    }
    if request.method == "POST":
        if hindrance := try_it.hindrance(tenant, row):
            messages.error(request, hindrance)
            return _see_other(viewer.url(SECTION, row.public_id))
        target, mark = try_it.begin(tenant, row)
        response = _see_other(target)
        response.set_cookie(TRY_COOKIE, mark, max_age=try_it.LONGEST, **cookie)
        return response
    context: dict[str, Any] = {"application": row, "application_url": viewer.url(SECTION, row.public_id)}
    try:
        context["tried"] = try_it.finish(tenant, row, request.COOKIES.get(TRY_COOKIE, ""), request.GET)
    except OAuthError as error:
        context["fault"] = error.detail
    page = render(
        request, "oauth/try_it.html", _with(viewer, context), status=400 if "fault" in context else 200
    )
    page.delete_cookie(TRY_COOKIE, path=viewer.url(SECTION), samesite="Lax")
    return page


def _id(text: str, prefix: str = InitialAccessToken.PREFIX) -> Any:
    try:
        return ids.decode(prefix, text)
    except ids.MalformedId:
        raise NotFound from None


def _with(viewer: Viewer, context: dict[str, Any]) -> dict[str, Any]:
    new_url = viewer.url(TOKENS, "new") if viewer.may(Permission.APPLICATIONS_WRITE) else ""
    return {"tokens_url": viewer.url(TOKENS), "new_url": new_url, **context}


READ, WRITE = Permission.APPLICATIONS_READ, Permission.APPLICATIONS_WRITE
ROUTES = [
    (TOKENS, initial_access_token_list, READ),
    (f"{TOKENS}/new", initial_access_token_create, WRITE),
    (f"{TOKENS}/<str:token_id>", initial_access_token_detail, READ),
    (f"{TOKENS}/<str:token_id>/revocation", initial_access_token_revoke, WRITE),
    (f"{SECTION}/<str:application_id>/vetting", application_vet, WRITE),
    (f"{SECTION}/<str:application_id>/try", application_try, WRITE),
    (f"{SECTION}/<str:application_id>/secret-revocation", application_revoke_secret, WRITE),
]
