"""Signing up and proving the address."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from core.pages import READ_WRITE
from identity import browser, sessions
from identity.errors import DisposableMail, PasswordRefused
from signin import challenge, flows, joining
from signin import methods as doors
from signin import sign_up as service
from signin.challenge import Answer, Challenge
from signin.entry import SignedInPerson
from signin.errors import ChallengeRequired, TooManyAttempts, WrongCode
from signin.flows import flow_scope
from signin.forms import CodeForm, PasswordlessSignUpForm, SignUpForm
from signin.hosted import Visit, again, explain, hosted, with_headers
from signin.mailing import mails_here
from signin.models import Stage
from signin.pages import welcome


@require_http_methods(READ_WRITE)
@hosted
def sign_up(visit: Visit) -> HttpResponse:
    """Take name, address and password; say the same to everybody (L2)."""
    takes_password = doors.takes_password(visit.tenant, visit.interaction)
    form_class = SignUpForm if takes_password else PasswordlessSignUpForm
    if visit.request.method != "POST":
        return _ask(visit, form_class(initial={"email": visit.interaction.login_hint}))
    form = form_class(visit.request.POST)
    if not form.is_valid():
        return _ask(visit, form, 400)
    try:
        return _take(visit, form)
    except PasswordRefused as problem:
        explain(form, problem, "new_password")
        return _ask(visit, form, 400)
    except DisposableMail as problem:
        explain(form, problem, "email")
        return _ask(visit, form, problem.status)
    except ChallengeRequired as problem:
        explain(form, problem)
        return _ask(visit, form, 400, problem.offered)
    except TooManyAttempts as problem:
        explain(form, problem)
        return with_headers(_ask(visit, form, 429), problem)


def _ask(visit: Visit, form: SignUpForm, status: int = 200, offered: Challenge | None = None) -> HttpResponse:
    door = challenge.Door(challenge.SIGN_UP, visit.tenant, visit.browser)
    offered = offered or challenge.shown(door, mails_here())
    return visit.render("sign_up", status, form=form, challenge=offered)


def _take(visit: Visit, form: SignUpForm) -> HttpResponse:
    """Let the invited in, whose link was proof; ask everybody else for the code that was mailed."""
    claim = {
        "browser": visit.browser,
        "address": form.cleaned_data["email"],
        "name": form.cleaned_data["name"],
        "password": form.cleaned_data.get("new_password", ""),
        "interaction": visit.interaction,
    }
    if visit.tenant is not None:
        present = browser.current_session(visit.request)
        person = service.by_invitation(tenant=visit.tenant, present=present, **claim)
        if person is not None:
            return _enter(visit, person)
    answer = Answer.read(visit.request.POST)
    flow = service.start(tenant=visit.tenant, answer=answer, **claim)
    return visit.redirect(visit.flow_url("verify", flow.public_id))


def _enter(visit: Visit, person: SignedInPerson) -> HttpResponse:
    """Make the new person a member where they signed up, and let them on."""
    if visit.tenant is not None:
        signed_in = sessions.find(person.opened.value)
        if signed_in is not None:
            joining.join(visit.tenant, signed_in, signed_up=True)
    return welcome(visit, person)


@require_http_methods(READ_WRITE)
@hosted
def verify(visit: Visit) -> HttpResponse:
    """Take the code, or the link of the same mail. Opening the link changes nothing: scanners open it too."""
    asked = visit.request.POST if visit.request.method == "POST" else visit.request.GET
    flow_id, token = asked.get("flow", ""), asked.get("token", "")
    if visit.request.method != "POST":
        return _page(visit, flow_id, CodeForm(), token=token)
    if "resend" in asked:
        return _resend(visit, flow_id)
    form = CodeForm(asked)
    if not token and not form.is_valid():
        return _page(visit, flow_id, form, status=400)
    return _prove(visit, flow_id, form, token)


def _prove(visit: Visit, flow_id: str, form: CodeForm, token: str) -> HttpResponse:
    try:
        person = service.prove(
            tenant=visit.tenant,
            flow_id=flow_id,
            browser=visit.browser,
            code="" if token else form.cleaned_data["code"],
            token=token,
            present=browser.current_session(visit.request),
        )
    except (WrongCode, TooManyAttempts) as problem:
        form = again(CodeForm, problem, "code")
        return with_headers(_page(visit, flow_id, form, status=problem.status), problem)
    return _enter(visit, person)


def _resend(visit: Visit, flow_id: str) -> HttpResponse:
    try:
        service.resend(tenant=visit.tenant, flow_id=flow_id, browser=visit.browser)
    except TooManyAttempts as problem:
        form = again(CodeForm, problem, "code")
        return with_headers(_page(visit, flow_id, form, status=429), problem)
    return visit.redirect(visit.flow_url("verify", flow_id, notice="sent"))


def _page(visit: Visit, flow_id: str, form: CodeForm, *, token: str = "", status: int = 200) -> HttpResponse:
    with flow_scope(visit.tenant):
        flow = flows.resume(visit.tenant, flow_id, visit.browser, Stage.VERIFY)
    context = {"form": form, "flow": flow_id, "token": token, "email": flow.data["mailbox"]}
    return visit.within(flow).render(
        "verify", status, **context, sent=visit.request.GET.get("notice") == "sent"
    )
