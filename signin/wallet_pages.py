"""Signing in with an Ethereum wallet. With a script the browser's wallet is asked; without, the text is copied."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from core.pages import READ_WRITE
from identity import browser, methods, siwe
from identity.errors import InvalidWallet, WalletRefused
from signin import flows, wallet_door
from signin import methods as doors
from signin.errors import MethodDisabled, WalletUnknown
from signin.flows import flow_scope
from signin.forms import SignatureForm, WalletForm
from signin.hosted import Visit, explain, hosted
from signin.models import Stage
from signin.pages import welcome
from tenants.selectors import TenantRef


@require_http_methods(READ_WRITE)
@hosted
def wallet(visit: Visit) -> HttpResponse:
    """Ask which wallet it is, and write the message for it."""
    tenant = _tenant(visit)
    form = WalletForm(visit.request.POST if visit.request.method == "POST" else None)
    if not form.is_valid():
        return visit.render("wallet", 400 if form.is_bound else 200, form=form)
    try:
        address = siwe.wallet(form.cleaned_data["wallet"])
    except InvalidWallet as problem:
        explain(form, problem, "wallet")
        return visit.render("wallet", 400, form=form)
    flow = wallet_door.start(
        tenant=tenant, browser=visit.browser, wallet=address, interaction=visit.interaction
    )
    return visit.redirect(visit.flow_url("sign_in_wallet_signature", flow.public_id))


@require_http_methods(READ_WRITE)
@hosted
def signature(visit: Visit) -> HttpResponse:
    """Show the message and take its signature."""
    tenant = _tenant(visit)
    if visit.request.method != "POST":
        return _page(visit, visit.request.GET.get("flow", ""), SignatureForm())
    flow_id, form = visit.request.POST.get("flow", ""), SignatureForm(visit.request.POST)
    if not form.is_valid():
        return _page(visit, flow_id, form, status=400)
    try:
        person = wallet_door.prove(
            tenant=tenant,
            flow_id=flow_id,
            browser=visit.browser,
            signature=form.cleaned_data["signature"],
            present=browser.current_session(visit.request),
        )
    except (WalletRefused, WalletUnknown) as problem:
        explain(form, problem, "signature")
        return _page(visit, flow_id, form, status=problem.status)
    return welcome(visit, person)


def _tenant(visit: Visit) -> TenantRef:
    if visit.tenant is None:
        raise MethodDisabled
    doors.check(visit.tenant, visit.interaction, methods.WALLET)
    return visit.tenant


def _page(visit: Visit, flow_id: str, form: SignatureForm, *, status: int = 200) -> HttpResponse:
    with flow_scope(visit.tenant):
        flow = flows.resume(visit.tenant, flow_id, visit.browser, Stage.WALLET)
    data = flow.data
    return visit.within(flow).render(
        "wallet_signature", status, form=form, flow=flow_id, message=data["message"], wallet=data["mailbox"]
    )
