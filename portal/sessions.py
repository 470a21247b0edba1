"""The person's sign-ins: in which browser, from where, into which services; ending one, the others, or all (SES-04)."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from core import scope
from core.errors import NotFound
from core.lookups import id_or_missing
from identity import browser, selectors, sessions
from identity import places as geography
from identity.agents import describe_agent
from identity.models import IdentitySession
from portal.frame import Own, own_page, places
from portal.known_browsers import listed
from tenants.models import TenantSession

REASON = "revoked_by_person"


@require_safe
@own_page
def session_list(own: Own) -> HttpResponse:
    with scope.account(own.session.account_id):
        live = [one for one in selectors.live_sessions(own.session.account_id) if not one.has_run_out]
    entered = _services(own)
    rows = [_shown(one, own, entered.get(one.id, [])) for one in live]
    return own.render("sessions", rows=rows, others=len(rows) > 1, known=listed(own))


def _services(own: Own) -> dict[uuid.UUID, list[str]]:
    """Return by sign-in the names of the services that it opened and that still go on."""
    found: dict[uuid.UUID, list[str]] = {}
    for tenant, member in places(own):
        with scope.tenant(tenant.id):
            live = TenantSession.objects.filter(member=member, ended_at=None)
            for session_id in set(live.values_list("identity_session_id", flat=True)):
                if session_id is not None:
                    found.setdefault(session_id, []).append(tenant.name)
    return found


def _shown(row: IdentitySession, own: Own, services: list[str]) -> dict[str, Any]:
    where = geography.find(row.ip or "", get_language() or "en")
    return {
        "id": row.public_id,
        "device": describe_agent(row.user_agent),
        "ip": row.ip,
        "place": where.name if where else "",
        "opened_at": row.auth_time,
        "last_active_at": row.last_active_at,
        "services": services,
        "is_this": row.id == own.session.id,
    }


@require_POST
@own_page
def end_one(own: Own, session_id: str) -> HttpResponse:
    """End one sign-in of one's own; anybody else's is not found."""
    wanted = id_or_missing(IdentitySession.PREFIX, session_id)
    with scope.account(own.session.account_id):
        ended = sessions.end(account_id=own.session.account_id, session_ids=[wanted], reason=REASON)
    if not ended:
        raise NotFound
    messages.success(own.request, _("Ended, in every service."))
    return own.go("portal_sessions")


@require_POST
@own_page
def end_others(own: Own) -> HttpResponse:
    with scope.account(own.session.account_id):
        sessions.end_others(account_id=own.session.account_id, keep=own.session.id, reason=REASON)
    messages.success(own.request, _("All others are ended, in every service."))
    return own.go("portal_sessions")


@require_POST
@own_page
def end_all(own: Own) -> HttpResponse:
    """End every sign-in, this one too."""
    with scope.account(own.session.account_id):
        sessions.end_others(account_id=own.session.account_id, keep=None, reason=REASON)
    response = HttpResponseRedirect(reverse("signed_out"))
    response.status_code = 303
    browser.forget(own.request, response)
    return response
