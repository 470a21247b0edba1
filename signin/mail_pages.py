"""Signing in by a mailed code or link. Opening the link changes nothing: mail scanners open it too."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from core.pages import READ_WRITE
from identity import browser, methods
from signin import flows, mail_door
from signin import methods as doors
from signin.errors import OtherBrowser, TooManyAttempts, WrongCode
from signin.flows import flow_scope
from signin.forms import CodeForm
from signin.hosted import Visit, again, hosted, with_headers
from signin.models import Stage
from signin.pages import welcome


@require_http_methods(READ_WRITE)
@hosted
def by_mail(visit: Visit) -> HttpResponse:
    """Send the mail, take what it carries, or show where to type it."""
    if visit.request.method == "POST":
        return _post(visit)
    asked = visit.request.GET
    return _page(visit, asked.get("flow", ""), CodeForm(), token=asked.get("token", ""))


def _post(visit: Visit) -> HttpResponse:
    asked = visit.request.POST
    flow_id, token = asked.get("flow", ""), asked.get("token", "")
    given: dict[str, Any] = {"tenant": visit.tenant, "flow_id": flow_id, "browser": visit.browser}
    if "begin" in asked:
        return visit.redirect(visit.flow_url("sign_in_mail", mail_door.begin(**given).public_id))
    if "elsewhere" in asked:
        begun = mail_door.begin_elsewhere(**given, token=token)
        return visit.redirect(visit.flow_url("sign_in_mail", begun.public_id))
    if "resend" in asked:
        return _resend(visit, flow_id)
    form = CodeForm(asked)
    if not token and not form.is_valid():
        return _page(visit, flow_id, form, status=400)
    return _prove(visit, flow_id, form, token)


def _prove(visit: Visit, flow_id: str, form: CodeForm, token: str) -> HttpResponse:
    try:
        person = mail_door.prove(
            tenant=visit.tenant,
            flow_id=flow_id,
            browser=visit.browser,
            code="" if token else form.cleaned_data["code"],
            token=token,
            present=browser.current_session(visit.request),
        )
    except (WrongCode, TooManyAttempts) as problem:
        return _refused(visit, flow_id, problem)
    return welcome(visit, person)


def _resend(visit: Visit, flow_id: str) -> HttpResponse:
    try:
        mail_door.resend(tenant=visit.tenant, flow_id=flow_id, browser=visit.browser)
    except TooManyAttempts as problem:
        return _refused(visit, flow_id, problem)
    return visit.redirect(visit.flow_url("sign_in_mail", flow_id, notice="sent"))


def _refused(visit: Visit, flow_id: str, problem: WrongCode | TooManyAttempts) -> HttpResponse:
    form = again(CodeForm, problem, "code")
    return with_headers(_page(visit, flow_id, form, status=problem.status), problem)


def _page(visit: Visit, flow_id: str, form: CodeForm, *, token: str = "", status: int = 200) -> HttpResponse:
    try:
        with flow_scope(visit.tenant):
            flow = flows.resume(visit.tenant, flow_id, visit.browser, Stage.MAILED)
    except OtherBrowser:
        if not token:
            raise
        return visit.render("mail_elsewhere", 403, flow=flow_id, token=token)
    allowed = doors.allowed(visit.tenant, doors.interaction_of(visit.tenant, flow))
    return visit.within(flow).render(
        "mail",
        status,
        form=form,
        flow=flow_id,
        token=token if methods.MAGIC_LINK in allowed else "",
        email=flow.data["mailbox"],
        takes_code=methods.EMAIL_CODE in allowed,
        takes_link=methods.MAGIC_LINK in allowed,
        sent=visit.request.GET.get("notice") == "sent",
    )
