"""The person's authenticators: add, name, remove, and the recovery codes that are shown once.

Each wants a fresh sign-in, and the second factor of whoever has one (threats L8, M5).
"""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from core import scope
from core.errors import NotFound
from core.lookups import id_or_missing
from core.pages import READ_WRITE, safe_next, words_of
from identity import authenticators, browser, passkeys, sessions, settling, totp
from identity import recovery_codes as codes
from identity.errors import AuthenticatorRefused, FactorDemanded, FactorNeeded, LastWayIn, WrongFactor
from identity.forms import AppForm, PasskeyForm
from identity.models import Passkey
from portal import factor_removal
from portal.forms import AuthenticatorNameForm
from portal.frame import Own, places, strong_page


def _next(own: Own) -> str:
    """Return where the person came from, when a sign-in sent them here."""
    asked = own.request.POST if own.request.method == "POST" else own.request.GET
    return safe_next(asked.get("next", ""), reverse("portal_security"))


@require_http_methods(READ_WRITE)
@strong_page
def add_app(own: Own) -> HttpResponse:
    """Show a key as picture and text, and keep it once the app's first code is right."""
    account_id, label = own.session.account_id, own.session.email
    if own.request.method != "POST":
        offer = totp.offer(account_id=account_id, label=label)
        return own.render(
            "new_app", form=AppForm(initial={"offer": offer.sealed}), offer=offer, next=_next(own)
        )
    form = AppForm(own.request.POST)
    try:
        offer = totp.offered(account_id=account_id, sealed=own.request.POST.get("offer", ""), label=label)
    except AuthenticatorRefused:
        return own.go("portal_new_app", next=_next(own))
    if form.is_valid():
        try:
            _enrol_app(own, offer, form.cleaned_data["code"])
        except (WrongFactor, AuthenticatorRefused) as problem:
            form.add_error("code", words_of(problem))
        else:
            return _added(own, "otp")
    return own.render("new_app", 400, form=form, offer=offer, next=_next(own))


def _enrol_app(own: Own, offer: totp.Offer, code: str) -> None:
    with scope.account(own.session.account_id):
        totp.enrol(
            account_id=own.session.account_id,
            name=_("Authenticator app"),
            sealed=offer.sealed,
            code=code,
            unsettled_until=settling.unsettled_until(own.session),
        )


@require_http_methods(READ_WRITE)
@strong_page
def add_passkey(own: Own) -> HttpResponse:
    form = PasskeyForm(own.request.POST if own.request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        with scope.account(own.session.account_id):
            unsettled_until = settling.unsettled_until(own.session)
        try:
            row = passkeys.register(
                account_id=own.session.account_id,
                answer=form.cleaned_data["credential"],
                name=form.cleaned_data["name"],
                site=passkeys.here(),
                bound_to=str(own.session.id),
                unsettled_until=unsettled_until,
            )
        except AuthenticatorRefused as problem:
            form.add_error(None, words_of(problem))
        else:
            return _added(own, "swk" if row.is_synced else "hwk")
    return own.render("new_passkey", 400 if form.errors else 200, form=form, next=_next(own))


@require_POST
@strong_page
def passkey_options(own: Own) -> HttpResponse:
    options = passkeys.offer(
        account_id=own.session.account_id,
        label=own.session.email,
        name=own.session.account_name,
        site=passkeys.here(),
        bound_to=str(own.session.id),
    )
    return HttpResponse(options, content_type="application/json")


def _added(own: Own, proof: str) -> HttpResponse:
    """The sign-in at hand has just proved the new factor too: it rises, under a new value (L7)."""
    account_id = own.session.account_id
    whole = authenticators.together(own.session.amr, [proof])
    with scope.account(account_id):
        opened = sessions.step_up(own.session, amr=whole, acr=authenticators.level(whole))
        made = [] if authenticators.held(account_id).codes_left else codes.generate(account_id=account_id)
    if made:
        response = own.render("recovery_codes", codes=made, next=_next(own), added=True)
    else:
        response = HttpResponse(status=303, headers={"Location": _next(own)})
    browser.remember(own.request, response, opened, persistent=own.session.remembered)
    return response


@require_POST
@strong_page
def recovery_codes(own: Own) -> HttpResponse:
    """Make ten new codes, for somebody with an authenticator; they are in this one answer and nowhere else."""
    account_id = own.session.account_id
    with scope.account(account_id):
        if not authenticators.held(account_id).any:
            raise NotFound
        made = codes.generate(account_id=account_id)
    return own.render("recovery_codes", codes=made, next=reverse("portal_security"))


@require_http_methods(READ_WRITE)
@strong_page
def rename(own: Own, authenticator_id: str) -> HttpResponse:
    passkey_id = id_or_missing(Passkey.PREFIX, authenticator_id)
    form = AuthenticatorNameForm(own.request.POST if own.request.method == "POST" else None)
    with scope.account(own.session.account_id):
        row = authenticators.passkey(own.session.account_id, passkey_id)
        if form.is_bound and form.is_valid():
            authenticators.rename(
                account_id=own.session.account_id, passkey_id=passkey_id, **form.cleaned_data
            )
            return own.go("portal_security", notice="renamed")
    form = form if form.is_bound else AuthenticatorNameForm(initial={"name": row.name})
    return own.render("rename_authenticator", 400 if form.errors else 200, form=form, row=row)


@require_POST
@strong_page
def remove(own: Own, authenticator_id: str) -> HttpResponse:
    try:
        factor_removal.remove(
            account_id=own.session.account_id, public_id=authenticator_id, places=places(own)
        )
    except (FactorDemanded, FactorNeeded, LastWayIn) as problem:
        named = ", ".join(problem.extra.get("services", ()))
        messages.error(own.request, f"{_(problem.title)}{named and f' ({named})'}. {_(problem.fix)}")
        return own.go("portal_security")
    return own.go("portal_security", notice="removed")
