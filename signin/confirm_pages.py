"""The page that asks for a mailed code because something about the sign-in looks wrong."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from core.pages import READ_WRITE
from identity import browser
from signin import confirmation
from signin.errors import TooManyAttempts, WrongCode
from signin.forms import CodeForm
from signin.hosted import Visit, again, hosted, with_headers
from signin.pages import welcome


@require_http_methods(READ_WRITE)
@hosted
def confirm(visit: Visit) -> HttpResponse:
    """Take the code, or send a new one."""
    asked = visit.request.POST if visit.request.method == "POST" else visit.request.GET
    flow_id = asked.get("flow", "")
    if "resend" in asked and visit.request.method == "POST":
        return _resend(visit, flow_id)
    form = CodeForm(visit.request.POST if visit.request.method == "POST" else None)
    if not form.is_valid():
        return _page(visit, flow_id, form, 400 if form.is_bound else 200)
    try:
        person = confirmation.prove(
            tenant=visit.tenant,
            flow_id=flow_id,
            browser=visit.browser,
            code=form.cleaned_data["code"],
            present=browser.current_session(visit.request),
        )
    except (WrongCode, TooManyAttempts) as problem:
        return _refused(visit, flow_id, problem)
    return welcome(visit, person)


def _resend(visit: Visit, flow_id: str) -> HttpResponse:
    try:
        confirmation.resend(tenant=visit.tenant, flow_id=flow_id, browser=visit.browser)
    except TooManyAttempts as problem:
        return _refused(visit, flow_id, problem)
    return visit.redirect(visit.flow_url("sign_in_confirm", flow_id, notice="sent"))


def _refused(visit: Visit, flow_id: str, problem: WrongCode | TooManyAttempts) -> HttpResponse:
    form = again(CodeForm, problem, "code")
    return with_headers(_page(visit, flow_id, form, problem.status), problem)


def _page(visit: Visit, flow_id: str, form: CodeForm, status: int) -> HttpResponse:
    flow = confirmation.find(visit.tenant, flow_id, visit.browser)
    sent = visit.request.GET.get("notice") == "sent"
    return visit.within(flow).render("confirm", status, form=form, flow=flow_id, sent=sent)
