"""Ending the trust in browsers. It only protects, so it asks for no fresh sign-in."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_POST

from core import scope
from core.lookups import id_or_missing
from identity import trusted_browsers
from identity.models import TrustedBrowser
from portal.frame import Own, own_page


@require_POST
@own_page
def forget(own: Own, browser_id: str) -> HttpResponse:
    wanted = id_or_missing(TrustedBrowser.PREFIX, browser_id)
    with scope.account(own.session.account_id):
        trusted_browsers.forget(account_id=own.session.account_id, browser_id=wanted)
    return own.go("portal_security", notice="forgotten")


@require_POST
@own_page
def forget_all(own: Own) -> HttpResponse:
    with scope.account(own.session.account_id):
        trusted_browsers.forget_all(account_id=own.session.account_id)
    return own.go("portal_security", notice="forgotten")
