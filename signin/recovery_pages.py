"""Choosing a new password by mail."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from core.pages import READ_WRITE
from identity import methods
from identity.errors import PasswordRefused
from signin import bridge, challenge, flows
from signin import methods as doors
from signin import recovery as service
from signin.challenge import Answer, Challenge
from signin.errors import ChallengeRequired, TooManyAttempts
from signin.forms import NewPasswordForm, RecoveryForm
from signin.hosted import Visit, explain, hosted, with_headers
from signin.mailing import mails_here


@require_http_methods(READ_WRITE)
@hosted
def recovery(visit: Visit) -> HttpResponse:
    """Take an address; the answer is the same for every one (L2)."""
    doors.check(visit.tenant, visit.interaction, methods.PASSWORD)
    if visit.request.method != "POST":
        sent = visit.request.GET.get("notice") == "sent"
        form = RecoveryForm(initial={"email": visit.interaction.login_hint})
        return _ask(visit, form, sent=sent)
    form = RecoveryForm(visit.request.POST)
    if not form.is_valid():
        return _ask(visit, form, 400)
    try:
        service.start(
            tenant=visit.tenant,
            browser=visit.browser,
            address=form.cleaned_data["email"],
            interaction=visit.interaction,
            answer=Answer.read(visit.request.POST),
        )
    except ChallengeRequired as problem:
        explain(form, problem)
        return _ask(visit, form, 400, problem.offered)
    except TooManyAttempts as problem:
        explain(form, problem)
        return with_headers(_ask(visit, form, 429), problem)
    return visit.redirect(visit.url("recovery", notice="sent"))


def _ask(
    visit: Visit, form: RecoveryForm, status: int = 200, offered: Challenge | None = None, sent: bool = False
) -> HttpResponse:
    door = challenge.Door(challenge.RECOVERY, visit.tenant, visit.browser)
    offered = offered or challenge.shown(door, mails_here())
    return visit.render("recovery", status, form=form, sent=sent, challenge=offered)


@require_http_methods(READ_WRITE)
@hosted
def new_password(visit: Visit) -> HttpResponse:
    """Show the form for a link that works; opening it uses nothing up."""
    asked = visit.request.POST if visit.request.method == "POST" else visit.request.GET
    flow_id, token = asked.get("flow", ""), asked.get("token", "")
    form = NewPasswordForm(visit.request.POST if visit.request.method == "POST" else None)
    if not form.is_valid():
        return _page(visit, flow_id, token, form, 400 if form.is_bound else 200)
    try:
        interaction = service.complete(
            tenant=visit.tenant,
            flow_id=flow_id,
            browser=visit.browser,
            token=token,
            password=form.cleaned_data["new_password"],
        )
    except PasswordRefused as problem:
        explain(form, problem, "new_password")
        return _page(visit, flow_id, token, form, 400)
    return visit.redirect(bridge.address("sign_in", visit.tenant, interaction, notice="password_changed"))


def _page(visit: Visit, flow_id: str, token: str, form: NewPasswordForm, status: int) -> HttpResponse:
    flow = service.inspect(tenant=visit.tenant, flow_id=flow_id, token=token)
    form.say_least(beside_a_factor=flow.account_id is not None and service.beside_a_factor(flow.account_id))
    email = flows.address_of(flow).mailbox  # what a password manager keeps the new password under
    return visit.render("new_password", status, form=form, flow=flow_id, token=token, email=email)
