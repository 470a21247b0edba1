"""The pages on which people with nothing but a connection add a second factor. A code works without JavaScript."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import wraps

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from core.pages import READ_WRITE, words_of
from identity import assurance, browser, passkeys
from identity.errors import AuthenticatorRefused, WrongFactor
from identity.forms import AppForm, PasskeyForm
from signin import bound_factors, bridge, second_factor
from signin.bound_factors import Added, Enrolment
from signin.errors import TooManyAttempts
from signin.hosted import Visit, explain, hosted, with_headers

Page = Callable[[Visit, Enrolment], HttpResponse]


def _enrolling(page: Page) -> Callable[[Visit], HttpResponse]:
    """Give a page whoever may enrol now; everybody else goes where they can do what they still have to."""

    @wraps(page)
    def guarded(visit: Visit) -> HttpResponse:
        who = bound_factors.find(visit.tenant, browser.current_session(visit.request), visit.interaction)
        if who is None:
            return visit.to("sign_in_continue")
        if not who.is_fresh:
            return _sign_in_again(visit)
        if who.owes_proof:
            return _prove_held(visit, who)
        return page(visit, who)

    return guarded


def _sign_in_again(visit: Visit) -> HttpResponse:
    """Ask for a fresh word of the provider (threat L8)."""
    again = replace(visit.interaction, prompt="login", asked_at=time.time())
    return visit.redirect(bridge.address("sign_in", visit.tenant, again, notice="fresh"))


def _prove_held(visit: Visit, who: Enrolment) -> HttpResponse:
    """Ask for the factor that is held before another one stands beside it (threat M5)."""
    flow = second_factor.begin(
        tenant=visit.tenant,
        browser=visit.browser,
        session=who.session,
        interaction=visit.interaction,
        level=assurance.MULTI_FACTOR,
    )
    return visit.redirect(visit.flow_url("second_factor", flow.public_id))


@_enrolling
def choose(visit: Visit, who: Enrolment) -> HttpResponse:
    """Say what is missing, and offer what will do."""
    needs_passkey = visit.request.GET.get("level") == assurance.PHISHING_RESISTANT
    return visit.render(
        "enrol",
        whose=who.label,
        needs_passkey=needs_passkey,
        is_bound=True,
        passkey_url=visit.url("enrol_passkey"),
        app_url="" if needs_passkey else visit.url("enrol_app"),
    )


@require_http_methods(READ_WRITE)
@hosted
@_enrolling
def add_app(visit: Visit, who: Enrolment) -> HttpResponse:
    """Show a key as picture and text, and keep it once the app's first code is right."""
    if visit.request.method != "POST":
        offer = bound_factors.offer_app(who)
        return visit.render("enrol_app", form=AppForm(initial={"offer": offer.sealed}), offer=offer)
    form = AppForm(visit.request.POST)
    try:
        offer = bound_factors.offer_app(who, visit.request.POST.get("offer", "") or "none")
    except AuthenticatorRefused:
        return visit.to("enrol_app")
    if not form.is_valid():
        return visit.render("enrol_app", 400, form=form, offer=offer)
    try:
        code = form.cleaned_data["code"]
        added = bound_factors.add_app(who=who, offer=offer, code=code, name=_("Authenticator app"))
    except (WrongFactor, AuthenticatorRefused, TooManyAttempts) as problem:
        explain(form, problem, "code")
        return with_headers(visit.render("enrol_app", problem.status, form=form, offer=offer), problem)
    return _go_on(visit, added)


@require_http_methods(READ_WRITE)
@hosted
@_enrolling
def add_passkey(visit: Visit, who: Enrolment) -> HttpResponse:
    form = PasskeyForm(visit.request.POST if visit.request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        given = form.cleaned_data
        try:
            added = bound_factors.add_passkey(
                who=who, answer=given["credential"], name=given["name"], site=passkeys.here()
            )
        except AuthenticatorRefused as problem:
            form.add_error(None, words_of(problem))
        else:
            return _go_on(visit, added)
    options_url = visit.url("enrol_passkey_options")
    return visit.render("enrol_passkey", 400 if form.errors else 200, form=form, options_url=options_url)


@require_POST
@hosted
@_enrolling
def passkey_options(visit: Visit, who: Enrolment) -> HttpResponse:
    options = bound_factors.ask_for_passkey(who, passkeys.here())
    return HttpResponse(options, content_type="application/json")


def _go_on(visit: Visit, added: Added) -> HttpResponse:
    """Show new recovery codes this once, or lead on; the session's value is new (threat L7)."""
    onward = visit.url("sign_in_continue")
    if added.codes:
        response = visit.render("enrol_codes", codes=added.codes, onward=onward)
    else:
        response = visit.redirect(onward)
    browser.remember(visit.request, response, added.opened, persistent=False)
    return response
