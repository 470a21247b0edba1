"""The dashboard's pages of service accounts: plain functions in an open tenant scope; `ROUTES` lists them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apikeys import selectors, services
from apikeys.forms import AccountForm
from apikeys.models import ApiKey, KeyStatus, ServiceAccount
from core.lookups import id_or_missing
from roles.permissions import Permission
from tenants.pagekit import Viewer, act, asked, list_context, listing, posted, see_other, show, unconfirmed

SECTION = "service-accounts"
READ, WRITE = Permission.API_KEYS_READ, Permission.API_KEYS_WRITE
SHOWN = 50


def account_list(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """List service accounts, newest first, narrowed by the beginning of the name."""
    q, rows = asked(request, "q"), selectors.service_accounts()
    page = listing(request, rows.filter(name__istartswith=q) if q else rows)
    return show(
        request,
        "apikeys/accounts.html",
        accounts=page.rows,
        accounts_url=viewer.url(SECTION),
        new_account_url=viewer.url(SECTION, "new") if viewer.may(WRITE) else "",
        **list_context(page, q),
    )


def account_create(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    form = AccountForm(posted(request))
    if form.is_valid():
        row = form.carry_out(
            lambda: services.create_service_account(actor=viewer.principal, **form.cleaned_data)
        )
        if row is not None:
            messages.success(request, _("The service account is ready. Give it a key."))
            return see_other(viewer.url(SECTION, row.public_id))
    return show(request, "apikeys/account_new.html", form, form=form, accounts_url=viewer.url(SECTION))


def account_detail(request: HttpRequest, viewer: Viewer, account_id: str) -> HttpResponse:
    """Show a service account with its keys; POST changes name, description and the cap of scopes."""
    account = _account(account_id)
    form = _form(account, posted(request))
    if form.is_valid():
        saved = form.carry_out(
            lambda: services.update_service_account(
                actor=viewer.principal, account=account, **form.cleaned_data
            )
        )
        if saved is not None:
            messages.success(request, _("Saved."))
            return see_other(viewer.url(SECTION, account.public_id))
    return _account_page(request, viewer, account, form)


def account_suspend(request: HttpRequest, viewer: Viewer, account_id: str) -> HttpResponse:
    """Disable the account, or enable it again with `enable` in the form."""
    account = _account(account_id)
    if request.POST.get("enable"):
        verb, done = services.enable_service_account, _("The service account works again.")
    else:
        verb = services.disable_service_account
        done = _("The service account is disabled. Its keys are refused from now on.")
    return act(
        request,
        viewer.url(SECTION, account.public_id),
        lambda: verb(actor=viewer.principal, account=account),
        done,
    )


def account_delete(request: HttpRequest, viewer: Viewer, account_id: str) -> HttpResponse:
    """Delete after the account's name was typed and a reason given."""
    account = _account(account_id)
    if request.method == "POST" and (error := unconfirmed(request, account.name)):
        return _account_page(request, viewer, account, _form(account), 422, delete_error=error)
    return act(
        request,
        viewer.url(SECTION, account.public_id),
        lambda: services.delete_service_account(actor=viewer.principal, account=account),
        _("The service account is deleted and its keys are revoked."),
        then=viewer.url(SECTION),
    )


def _form(account: ServiceAccount, data: Any = None) -> AccountForm:
    initial = {"name": account.name, "description": account.description, "scopes": account.scopes}
    return AccountForm(data, initial=initial)


def _account_page(
    request: HttpRequest,
    viewer: Viewer,
    account: ServiceAccount,
    form: AccountForm,
    status: int = 0,
    **more: Any,
) -> HttpResponse:
    keys = list(selectors.keys_of(account).order_by("-id")[:SHOWN])
    base = viewer.url(SECTION, account.public_id)
    return show(
        request,
        "apikeys/account.html",
        form,
        status=status,
        account=account,
        account_status=account.status.value,
        keys=keys,
        keys_url=viewer.url("api-keys"),
        form=form,
        crumbs=[{"label": _("Service accounts"), "url": viewer.url(SECTION)}],
        suspend_url=f"{base}/suspension",
        delete_url=f"{base}/deletion",
        new_key_url=f"{viewer.url('api-keys', 'new')}?service_account={account.public_id}",
        consequences=[_loss(keys)],
        may_change=viewer.may(WRITE),
        **more,
    )


def _loss(keys: list[ApiKey]) -> str:
    live = sum(key.status in (KeyStatus.ACTIVE, KeyStatus.ROTATING) for key in keys)
    return ngettext("%(n)d key stops working.", "%(n)d keys stop working.", live) % {"n": live}


def _account(account_id: str) -> ServiceAccount:
    return selectors.service_account(id_or_missing(ServiceAccount.PREFIX, account_id))


ROUTES = [
    (SECTION, account_list, READ),
    (f"{SECTION}/new", account_create, WRITE),
    (f"{SECTION}/<str:account_id>", account_detail, READ),
    (f"{SECTION}/<str:account_id>/suspension", account_suspend, WRITE),
    (f"{SECTION}/<str:account_id>/deletion", account_delete, WRITE),
]
