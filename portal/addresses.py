"""The person's e-mail addresses: add, prove, make primary, remove. Each wants a fresh sign-in (L8)."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from core import scope
from core.lookups import id_or_missing
from core.pages import READ_WRITE, words_of
from identity import claims, emails, settling
from identity.emails import Address
from identity.errors import ClaimRefused, DisposableMail
from identity.models import EmailAddress
from portal.forms import AddressForm, CodeForm
from portal.frame import Own, first_address_page, recent_page
from tenants import disposable


@require_http_methods(READ_WRITE)
@first_address_page
def add(own: Own) -> HttpResponse:
    form = AddressForm(own.request.POST if own.request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            address = emails.parse(form.cleaned_data["email"])
        except emails.InvalidAddress:
            form.add_error("email", _("Write an e-mail address such as name@example.com."))
        else:
            if _claimed(own, form, address):
                return own.go("portal_prove_address")
    return own.render("add_address", 400 if form.errors else 200, form=form)


def _claimed(own: Own, form: AddressForm, address: Address) -> bool:
    try:
        with scope.account(own.session.account_id):
            disposable.check_everywhere(address)
            claims.claim_address(account_id=own.session.account_id, address=address)
    except DisposableMail as problem:
        form.add_error("email", words_of(problem))
        return False
    return True


@require_http_methods(READ_WRITE)
@first_address_page
def prove(own: Own) -> HttpResponse:
    form = CodeForm(own.request.POST if own.request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        account_id, code = own.session.account_id, form.cleaned_data["code"]
        with scope.account(account_id):
            unsettled_until = settling.unsettled_until(own.session)
        try:
            claims.prove_address(account_id=account_id, code=code, unsettled_until=unsettled_until)
        except ClaimRefused as problem:
            form.add_error("code", words_of(problem))
        else:
            return own.go("portal_profile", notice="saved")
    with scope.account(own.session.account_id):
        waiting = claims.pending_claim(own.session.account_id)
    if not waiting and not form.errors:
        return own.go("portal_add_address")
    return own.render("prove_address", 400 if form.errors else 200, form=form, address=waiting)


@require_POST
@recent_page
def make_primary(own: Own, address_id: str) -> HttpResponse:
    with scope.account(own.session.account_id):
        claims.make_primary(
            account_id=own.session.account_id, address_id=id_or_missing(EmailAddress.PREFIX, address_id)
        )
    return own.go("portal_profile", notice="saved")


@require_POST
@recent_page
def remove(own: Own, address_id: str) -> HttpResponse:
    with scope.account(own.session.account_id):
        claims.remove_address(
            account_id=own.session.account_id, address_id=id_or_missing(EmailAddress.PREFIX, address_id)
        )
    return own.go("portal_profile", notice="saved")
