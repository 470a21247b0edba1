"""Choosing a new password by mail."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from identity import methods
from identity.errors import PasswordRefused
from signin import bridge
from signin import methods as doors
from signin import recovery as service
from signin.errors import TooManyAttempts
from signin.forms import NewPasswordForm, RecoveryForm
from signin.hosted import Visit, explain, hosted
from signin.pages import READ_WRITE


@require_http_methods(READ_WRITE)
@hosted
def recovery(visit: Visit) -> HttpResponse:
    """Take an address; the answer is the same for every one (L2)."""
    doors.check(visit.tenant, visit.interaction, methods.PASSWORD)
    if visit.request.method != "POST":
        sent = visit.request.GET.get("notice") == "sent"
        form = RecoveryForm(initial={"email": visit.interaction.login_hint})
        return visit.render("recovery", form=form, sent=sent)
    form = RecoveryForm(visit.request.POST)
    if not form.is_valid():
        return visit.render("recovery", 400, form=form)
    try:
        service.start(
            tenant=visit.tenant,
            browser=visit.browser,
            address=form.cleaned_data["email"],
            interaction=visit.interaction,
        )
    except TooManyAttempts as problem:
        explain(form, problem)
        return visit.render("recovery", 429, form=form)
    return visit.redirect(visit.url("recovery", notice="sent"))


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
    service.inspect(tenant=visit.tenant, flow_id=flow_id, token=token)
    return visit.render("new_password", status, form=form, flow=flow_id, token=token)
