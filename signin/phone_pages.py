"""Signing in by a code sent to a phone."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from core.pages import READ_WRITE
from identity import browser, methods
from identity.errors import InvalidNumber
from signin import flows, phone_door
from signin import methods as doors
from signin.errors import MethodDisabled, TooManyAttempts, WrongCode
from signin.flows import flow_scope
from signin.forms import CodeForm, PhoneForm
from signin.hosted import Visit, again, explain, hosted, with_headers
from signin.models import Stage
from signin.pages import welcome
from tenants.selectors import TenantRef


@require_http_methods(READ_WRITE)
@hosted
def phone(visit: Visit) -> HttpResponse:
    """Ask for the number; the next page is the same whether or not it is linked to anybody (L2)."""
    tenant = _tenant(visit)
    doors.check(tenant, visit.interaction, methods.PHONE_CODE)
    if visit.request.method != "POST":
        return visit.render("phone", form=PhoneForm())
    form = PhoneForm(visit.request.POST)
    if not form.is_valid():
        return visit.render("phone", 400, form=form)
    try:
        number = form.number
        flow = phone_door.start(
            tenant=tenant, browser=visit.browser, number=number, interaction=visit.interaction
        )
    except (InvalidNumber, TooManyAttempts) as problem:
        explain(form, problem, "phone" if isinstance(problem, InvalidNumber) else None)
        return with_headers(visit.render("phone", problem.status, form=form), problem)
    return visit.redirect(visit.flow_url("sign_in_phone_code", flow.public_id))


@require_http_methods(READ_WRITE)
@hosted
def code(visit: Visit) -> HttpResponse:
    """Take the code that was sent."""
    tenant, asked = _tenant(visit), visit.request.POST
    if visit.request.method != "POST":
        return _page(visit, visit.request.GET.get("flow", ""), CodeForm())
    flow_id, form = asked.get("flow", ""), CodeForm(asked)
    try:
        if "resend" in asked:
            phone_door.resend(tenant=tenant, flow_id=flow_id, browser=visit.browser)
            return visit.redirect(visit.flow_url("sign_in_phone_code", flow_id, notice="sent"))
        if not form.is_valid():
            return _page(visit, flow_id, form, status=400)
        person = phone_door.prove(
            tenant=tenant,
            flow_id=flow_id,
            browser=visit.browser,
            code=form.cleaned_data["code"],
            present=browser.current_session(visit.request),
        )
    except (WrongCode, TooManyAttempts) as problem:
        form = again(CodeForm, problem, "code")
        return with_headers(_page(visit, flow_id, form, status=problem.status), problem)
    return welcome(visit, person)


def _tenant(visit: Visit) -> TenantRef:
    """Numbers are taken where a tenant pays for the messages."""
    if visit.tenant is None:
        raise MethodDisabled
    return visit.tenant


def _page(visit: Visit, flow_id: str, form: CodeForm, *, status: int = 200) -> HttpResponse:
    with flow_scope(visit.tenant):
        flow = flows.resume(visit.tenant, flow_id, visit.browser, Stage.TEXTED)
    sent = visit.request.GET.get("notice") == "sent"
    number = flow.data["mailbox"]
    return visit.within(flow).render("phone_code", status, form=form, flow=flow_id, number=number, sent=sent)
