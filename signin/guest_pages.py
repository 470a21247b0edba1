"""Going on as a guest: one button, no form."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_POST

from identity import browser
from signin import guests
from signin.errors import MethodDisabled
from signin.hosted import Visit, hosted
from signin.pages import welcome


@require_POST
@hosted
def guest(visit: Visit) -> HttpResponse:
    """Let the visitor in without an account; somebody signed in already stays who they are."""
    if visit.tenant is None:
        raise MethodDisabled
    present = browser.current_session(visit.request)
    if present is not None:
        return visit.redirect(visit.url("sign_in"))
    return welcome(visit, guests.enter(tenant=visit.tenant, interaction=visit.interaction))
