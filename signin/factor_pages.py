"""The pages of passkeys and second factors. Codes work without JavaScript; passkeys cannot."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import scope
from core.pages import READ_WRITE
from identity import assurance, authenticators, browser, passkeys
from identity.errors import WrongFactor
from signin import bound_pages, passkey_sign_in, trust
from signin import second_factor as service
from signin.errors import TooManyAttempts
from signin.forms import RecoveryCodeForm, SecondFactorForm
from signin.hosted import Visit, again, hosted, with_headers
from signin.pages import welcome
from signin.second_factor import Answer


@require_POST
@hosted
def passkey_options(visit: Visit) -> HttpResponse:
    """Give the browser a challenge for any passkey of this host; nobody has said who they are yet."""
    options = passkey_sign_in.ask(
        tenant=visit.tenant, browser=visit.browser, site=passkeys.here(), interaction=visit.interaction
    )
    return HttpResponse(options, content_type="application/json")


@require_POST
@hosted
def passkey(visit: Visit) -> HttpResponse:
    """Sign in with a passkey alone. A refusal leads back to where one can start otherwise."""
    try:
        person = passkey_sign_in.authenticate(
            tenant=visit.tenant,
            browser=visit.browser,
            answer=visit.request.POST.get("credential", ""),
            site=passkeys.here(),
            interaction=visit.interaction,
            present=browser.current_session(visit.request),
        )
    except WrongFactor:
        return visit.redirect(visit.url("sign_in", notice="passkey_refused"))
    return welcome(visit, person)


@require_http_methods(READ_WRITE)
@hosted
def second_factor(visit: Visit) -> HttpResponse:
    """Ask for the second factor; a recovery code by `?method=recovery`."""
    asked = visit.request.POST if visit.request.method == "POST" else visit.request.GET
    flow_id, wants_recovery = asked.get("flow", ""), asked.get("method", "") == "recovery"
    kind = RecoveryCodeForm if wants_recovery else SecondFactorForm
    form = kind(visit.request.POST if visit.request.method == "POST" else None)
    if not form.is_valid():
        return _page(visit, flow_id, form, wants_recovery, 400 if form.is_bound else 200)
    try:
        person = service.prove(
            tenant=visit.tenant,
            flow_id=flow_id,
            browser=visit.browser,
            answer=_answer(form, wants_recovery),
            site=passkeys.here(),
            present=browser.current_session(visit.request),
        )
    except (WrongFactor, TooManyAttempts) as problem:
        where = (
            "credential" if form.cleaned_data["credential"] else "code"
        )  # a hidden field's words stand above
        form = again(kind, problem, where, trust=form.cleaned_data["trust"])
        return with_headers(_page(visit, flow_id, form, wants_recovery, problem.status), problem)
    return welcome(visit, person)


def _answer(form: SecondFactorForm, wants_recovery: bool) -> Answer:
    given = form.cleaned_data
    if given["credential"]:
        return Answer("passkey", given["credential"], given["trust"])
    return Answer("recovery" if wants_recovery else "code", given["code"], given["trust"])


def _page(
    visit: Visit, flow_id: str, form: SecondFactorForm, wants_recovery: bool, status: int
) -> HttpResponse:
    flow = service.find(visit.tenant, flow_id, visit.browser)
    assert flow.account_id is not None
    with scope.account(flow.account_id):
        held = authenticators.held(flow.account_id, service.connection_of(flow))
    data = flow.data
    context: dict[str, Any] = {
        "form": form,
        "flow": flow_id,
        "email": data["mailbox"],
        "interaction": data["interaction"],
        "held": held,
        "passkey_only": data.get("level") == assurance.PHISHING_RESISTANT,
        "wants_recovery": wants_recovery,
        "may_trust": bool(trust.days(visit.tenant)) and "session" not in data,
        "options_url": visit.flow_url("second_factor_options", flow_id),
        "code_url": visit.flow_url("second_factor", flow_id),
        "recovery_url": visit.flow_url("second_factor", flow_id, method="recovery"),
    }
    return visit.within(flow).render("second_factor", status, **context)


@require_POST
@hosted
def second_factor_options(visit: Visit) -> HttpResponse:
    options = service.ask(
        tenant=visit.tenant,
        flow_id=visit.request.GET.get("flow", ""),
        browser=visit.browser,
        site=passkeys.here(),
    )
    return HttpResponse(options, content_type="application/json")


@require_safe
@hosted
def enrol(visit: Visit) -> HttpResponse:
    """Say what is missing and lead to where the person adds it; they come back to go on (AUT-15)."""
    session = browser.current_session(visit.request)
    if session is None:
        return visit.redirect(visit.url("sign_in"))
    if not session.is_own and not session.email:
        return bound_pages.choose(
            visit
        )  # nobody but the connection opens this account: it has no pages of its own
    back = urlencode({"next": visit.url("sign_in_continue")})
    needs_passkey = visit.request.GET.get("level") == assurance.PHISHING_RESISTANT
    return visit.render(
        "enrol",
        whose=session.email,
        needs_passkey=needs_passkey,
        passkey_url=f"{reverse('portal_new_passkey')}?{back}",
        app_url="" if needs_passkey else f"{reverse('portal_new_app')}?{back}",
    )
