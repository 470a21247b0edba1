"""Switching the organization that tokens speak of (SES-09), by the parameter `organization`.

Its value is an organization's public id, or `none` to work without one. A switch re-checks that the member
belongs there and that the sign-in is one which that organization accepts.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from core import ids
from oauth import standing
from oauth.errors import InteractionRequired, OrganizationDenied
from oauth.issuing import Standing
from oauth.standing import SignIn
from organizations.models import Organization
from organizations.policy import accepts_sign_in

PARAMETER, NONE = "organization", "none"


def read(value: str) -> uuid.UUID | None:
    """Return the organization that a parameter names, None for `none`. Raises OrganizationDenied."""
    if value == NONE:
        return None
    try:
        return Organization.read_id(value[:60])
    except ids.MalformedId:
        raise OrganizationDenied from None


def at_refresh(
    now: Standing, *, organization: str, session_id: uuid.UUID | None, last_sign_in: datetime
) -> Standing:
    """Return the member's standing in the organization that a refresh request names, in the open tenant scope.

    Raises OrganizationDenied, alike for one that is not there and one the member does not belong to, and
    InteractionRequired where the organization asks for a newer sign-in. Neither spends the refresh token.
    """
    wanted = read(organization)
    if wanted == now.organization_id:
        return now
    sign_in = SignIn(now.acr, now.amr, now.auth_time)
    there = standing.load(now.member_id, session_id, wanted, sign_in, ends_with_session=False)
    if there is None:
        raise OrganizationDenied
    too_old_there = now.session_id is not None and there.session_id is None
    offline = now.session_id is None
    if too_old_there or (offline and not accepts_sign_in(wanted, last_active_at=last_sign_in)):
        raise InteractionRequired
    return there
