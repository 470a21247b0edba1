"""What was done with the account lately, and what to do when it was somebody else (POR-01, USR-14)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from core import scope
from events import registry
from events import selectors as events
from events.services import emit
from identity import selectors as people
from identity import sessions, tokens
from identity.agents import describe_agent
from identity.services import describe, person
from portal.frame import Own, own_page, places
from portal.words import SENTENCES, TONES, icon_of
from tenants.models import Member, Tenant

SHOWN = 50
IN_SERVICES = (
    "signin.succeeded",
    "user.terms_accepted",
    "consent.granted",
    "consent.updated",
    "consent.revoked",
    "session.ended",
)


@require_safe
@own_page
def activity(own: Own) -> HttpResponse:
    """The person's own record and their acts in every service, newest first."""
    with scope.account(own.session.account_id):
        rows = [_shown(row) for row in _newest(events.stream())]
    rows += [row for place in places(own) for row in _in_service(*place)]
    newest = sorted(rows, key=lambda row: row["at"], reverse=True)[:SHOWN]
    return own.render("activity", rows=newest)


def _in_service(tenant: Tenant, member: Member) -> list[dict[str, Any]]:
    with scope.tenant(tenant.id):
        mine = events.stream().filter(actor_id=member.subject, type__in=IN_SERVICES)
        return [_shown(row, tenant.name) for row in _newest(mine)]


def _newest(rows: Any) -> Any:
    return events.described(rows.order_by("-id")[:SHOWN])


def _shown(row: Any, service: str = "") -> dict[str, Any]:
    """One line: what, when, and from where as far as it is still known."""
    known = events.envelope(row)["data"].get("context") or {}
    device = describe_agent(known["user_agent"]) if known.get("user_agent") else ""
    sentence = SENTENCES.get(row.type) or registry.get(row.type).description
    return {
        "text": str(sentence),
        "at": row.created_at,
        "tone": TONES.get(row.type, ""),
        "icon": icon_of(row.type),
        "meta": [part for part in (service, device, known.get("ip") or "") if part],
    }


@require_POST
@own_page
def report_takeover(own: Own) -> HttpResponse:
    """Somebody else was there: every other sign-in, token and grant ends, then a new password is asked for."""
    account_id = own.session.account_id
    with scope.account(account_id):
        emit("account.takeover.reported", actor=person(account_id), object=describe(account_id))
        sessions.end_others(account_id=account_id, keep=own.session.id, reason=sessions.RECOVERY)
        tokens.revoke_all(account_id=account_id, reason="takeover")
        account = people.account(account_id)
    messages.warning(own.request, _("Every other sign-in and every application's access has ended."))
    assert account is not None
    return own.go("portal_password" if account.has_usable_password() else "portal_security")
