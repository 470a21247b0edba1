"""Switching the organization that tokens speak of (SES-09), by the parameter `organization`.

Its value is an organization's public id, or `none` to work without one. A switch re-checks that the member
belongs there and that the sign-in is one which that organization accepts.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from core import ids
from federation import reach
from identity import assurance, methods
from oauth import standing
from oauth.clients import in_tenant
from oauth.errors import InteractionRequired, OrganizationDenied
from oauth.issuing import Standing
from oauth.standing import SignIn
from organizations.models import Organization
from organizations.policy import accepts_methods, accepts_sign_in
from organizations.selectors import belongs
from roles.assurance import demanded
from tenants.models import TenantSession
from tenants.selectors import TenantRef

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
    InteractionRequired where the organization asks for a newer or stronger sign-in. Neither spends the refresh token.
    """
    wanted = read(organization)
    if wanted == now.organization_id:
        return now
    sign_in = SignIn(now.acr, now.amr, now.auth_time)
    there = standing.load(now.member_id, session_id, wanted, sign_in, ends_with_session=False)
    if there is None:
        if wanted and belongs(now.member_id, wanted) and not _is_enough(now.acr, now.member_id, wanted):
            raise InteractionRequired
        raise OrganizationDenied
    too_old_there = now.session_id is not None and there.session_id is None
    offline = now.session_id is None
    if not _accepts(now.amr, session_id, wanted):
        raise InteractionRequired
    if too_old_there or (offline and not accepts_sign_in(wanted, last_active_at=last_sign_in)):
        raise InteractionRequired
    return there


def at_authorize(tenant: TenantRef, value: str, signed: Any) -> tuple[Any, bool]:
    """Return whoever is signed in, moved to the organization that an authorization request names, and whether
    they have to sign in again for it. Nothing is kept before the code is issued.

    Raises OrganizationDenied.
    """
    if not value or signed is None:
        return signed, False
    wanted = read(value)
    if wanted == signed.organization_id:
        return signed, False
    with in_tenant(tenant.id):
        if wanted is not None and not belongs(signed.member.id, wanted):
            raise OrganizationDenied
        last_active_at = signed.session.last_active_at
        if not _is_enough(signed.acr, signed.member.id, wanted):
            return None, False  # the hosted pages ask for what is missing, and only that
        allowed = _accepts(signed.amr, signed.session.id, wanted)
        must_prove = not allowed or not accepts_sign_in(wanted, last_active_at=last_active_at)
        if must_prove:  # a visit that is turned away is no activity, or the second would be let in
            TenantSession.objects.filter(id=signed.session.id).update(last_active_at=last_active_at)
    return replace(signed, organization_id=wanted), must_prove


def _accepts(amr: Iterable[str], session_id: uuid.UUID | None, wanted: uuid.UUID | None) -> bool:
    """Whether the way somebody signed in is good there: a connection's word in its own organization (F7)."""
    if methods.FEDERATED not in amr:
        return wanted is None or accepts_methods(wanted, amr)
    rows = TenantSession.objects.filter(id=session_id) if session_id else TenantSession.objects.none()
    return reach.admits(rows.values_list("connection_id", flat=True).first(), wanted)


def _is_enough(acr: str, member_id: uuid.UUID, organization_id: uuid.UUID | None) -> bool:
    needed = demanded(member_id, organization_id)
    return not needed or assurance.satisfies(acr, needed)


def keep(signed: Any) -> None:
    """Make the organization of a code that is issued the session's own, in the open tenant scope."""
    session: TenantSession = signed.session
    if session.organization_id != signed.organization_id:
        TenantSession.objects.filter(id=session.id).update(organization_id=signed.organization_id)
