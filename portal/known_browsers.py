"""Forgetting browsers that signed in before. It only protects, so it asks for no fresh sign-in."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core import scope
from core.lookups import id_or_missing
from identity import known_browsers, places
from identity.agents import describe_agent
from identity.models import KnownDevice
from portal.frame import Own, own_page

MOST = 50  # shown at once, the latest ones


def listed(own: Own) -> list[dict[str, Any]]:
    """Return the known browsers in words, the latest first."""
    with scope.account(own.session.account_id):
        rows = list(known_browsers.known(own.session.account_id)[:MOST])
    return [_shown(row) for row in rows]


def _shown(row: KnownDevice) -> dict[str, Any]:
    where = places.find(row.ip or "", get_language() or "en")
    return {
        "id": row.public_id,
        "device": describe_agent(row.user_agent),
        "ip": row.ip,
        "place": where.name if where else "",
        "seen_at": row.seen_at,
    }


@require_POST
@own_page
def forget(own: Own, device_id: str) -> HttpResponse:
    """Forget one browser; anybody else's is not found."""
    wanted = id_or_missing(KnownDevice.PREFIX, device_id)
    with scope.account(own.session.account_id):
        known_browsers.forget(account_id=own.session.account_id, browser_id=wanted)
    return _forgotten(own)


@require_POST
@own_page
def forget_all(own: Own) -> HttpResponse:
    with scope.account(own.session.account_id):
        known_browsers.forget_all(account_id=own.session.account_id)
    return _forgotten(own)


def _forgotten(own: Own) -> HttpResponse:
    messages.success(own.request, _("Forgotten. The next sign-in there counts as one from a new device."))
    return own.go("portal_sessions")
