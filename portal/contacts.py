"""Phones and wallets by which the person may sign in: link, prove, unlink. Each wants a fresh sign-in (L8)."""

from __future__ import annotations

import uuid
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import scope
from core.errors import NotFound, Problem, RateLimitExceeded
from core.lookups import id_or_missing
from core.pages import READ_WRITE, words_of
from identity import contact_claims, contacts, siwe
from identity.errors import ClaimRefused, ContactTaken, InvalidNumber, InvalidWallet, WalletRefused
from identity.models import PhoneNumber, Wallet
from mail import texts
from portal.forms import CodeForm, PhoneForm, SignatureForm, WalletForm
from portal.frame import Own, own_page, recent_page

REFUSALS = (ClaimRefused, ContactTaken, InvalidNumber, InvalidWallet, WalletRefused, RateLimitExceeded)
KINDS: dict[str, type[PhoneNumber | Wallet]] = {"phones": PhoneNumber, "wallets": Wallet}


@require_safe
@own_page
def contact_list(own: Own) -> HttpResponse:
    with scope.account(own.session.account_id):
        phones = list(contacts.phones(own.session.account_id))
        wallets = list(contacts.wallets(own.session.account_id))
    return own.render(
        "contacts",
        phones=phones,
        wallets=wallets,
        takes_phones=texts.is_available(),
        takes_wallets=siwe.is_available(),
        saved=own.request.GET.get("notice") == "saved",
    )


@require_http_methods(READ_WRITE)
@recent_page
def add_phone(own: Own) -> HttpResponse:
    if not texts.is_available():
        raise NotFound
    form = PhoneForm(own.request.POST if own.request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            _send_code(own.session.account_id, form.cleaned_data["phone"])
        except REFUSALS as problem:
            _explain(form, problem)
        else:
            return own.go("portal_prove_phone")
    return own.render("add_phone", 400 if form.errors else 200, form=form)


def _send_code(account_id: uuid.UUID, typed: str) -> None:
    number = contacts.number(typed)
    with scope.account(account_id):
        code = contact_claims.claim_phone(account_id=account_id, number=number)
        text = _("%(code)s is the code to link this number to your account. Give it to nobody.")
        texts.send(number.mailbox, text % {"code": code}, tenant_id=None)


@require_http_methods(READ_WRITE)
@recent_page
def prove_phone(own: Own) -> HttpResponse:
    form = CodeForm(own.request.POST if own.request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            contact_claims.prove_phone(account_id=own.session.account_id, code=form.cleaned_data["code"])
        except REFUSALS as problem:
            _explain(form, problem)
        else:
            return own.go("portal_contacts", notice="saved")
    with scope.account(own.session.account_id):
        waiting = contact_claims.pending(own.session.account_id, "phone")
    if not waiting and not form.errors:
        return own.go("portal_add_phone")
    number = waiting["mailbox"] if waiting else ""
    return own.render("prove_phone", 400 if form.errors else 200, form=form, number=number)


@require_http_methods(READ_WRITE)
@recent_page
def add_wallet(own: Own) -> HttpResponse:
    if not siwe.is_available():
        raise NotFound
    form = WalletForm(own.request.POST if own.request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            _write_message(own.session.account_id, form.cleaned_data["wallet"])
        except REFUSALS as problem:
            _explain(form, problem)
        else:
            return own.go("portal_prove_wallet")
    return own.render("add_wallet", 400 if form.errors else 200, form=form)


def _write_message(account_id: uuid.UUID, typed: str) -> None:
    wallet = siwe.wallet(typed)
    with scope.account(account_id):
        contact_claims.claim_wallet(
            account_id=account_id,
            wallet=wallet,
            domain=urlsplit(settings.ORIGIN).netloc,
            uri=f"{settings.ORIGIN}{reverse('portal_contacts')}",
        )


@require_http_methods(READ_WRITE)
@recent_page
def prove_wallet(own: Own) -> HttpResponse:
    form = SignatureForm(own.request.POST if own.request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        signature = form.cleaned_data["signature"]
        try:
            contact_claims.prove_wallet(account_id=own.session.account_id, signature=signature)
        except REFUSALS as problem:
            _explain(form, problem)
        else:
            return own.go("portal_contacts", notice="saved")
    with scope.account(own.session.account_id):
        waiting = contact_claims.pending(own.session.account_id, "wallet")
    if waiting is None:
        return own.go("portal_add_wallet")
    status = 400 if form.errors else 200
    return own.render(
        "prove_wallet", status, form=form, wallet=waiting["mailbox"], message=waiting["message"]
    )


@require_POST
@recent_page
def make_primary(own: Own, row_id: str) -> HttpResponse:
    found = id_or_missing(PhoneNumber.PREFIX, row_id)
    with scope.account(own.session.account_id):
        contacts.make_primary(account_id=own.session.account_id, phone_id=found)
    return own.go("portal_contacts", notice="saved")


@require_POST
@recent_page
def unlink(own: Own, kind: str, row_id: str) -> HttpResponse:
    model = KINDS.get(kind)
    if model is None:
        raise NotFound
    found = id_or_missing(model.PREFIX, row_id)
    with scope.account(own.session.account_id):
        contacts.unlink(account_id=own.session.account_id, kind=model, row_id=found)
    return own.go("portal_contacts", notice="saved")


def _explain(form: CodeForm | PhoneForm | SignatureForm | WalletForm, problem: Problem) -> None:
    form.add_error(None, words_of(problem))
