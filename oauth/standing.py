"""Whether a member and a sign-in are still good for tokens: decided from the rows, at the moment of use."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from core import scope
from core.postgres.prepared import Prepared
from identity import assurance
from oauth.issuing import Standing
from roles.assurance import roles_column, weigh
from tenants import selectors
from tenants.models import MemberStatus

# What is read beside a row `w` that has member_id, session_id, organization_id and acr.
COLUMNS = f"""
m.subject, m.name, m.email, m.email_verified, m.locale, m.authority_version, m.status, m.reauthenticate_after,
s.id, s.ended_at, s.expires_at, s.last_active_at,
o.policy, o.id IS NOT NULL AND EXISTS (
  SELECT 1 FROM organizations_membership b
   WHERE b.tenant_id = m.tenant_id AND b.organization_id = o.id AND b.member_id = m.id),
m.profile, m.metadata, m.updated_at,
CASE WHEN NOT w.acr = ANY(%(strong)s) THEN {roles_column("m.tenant_id", "m.id")} END
"""  # noqa: S608 — constants
JOINED = """
LEFT JOIN tenants_member m ON m.tenant_id = %(tenant)s AND m.id = w.member_id
LEFT JOIN tenants_tenantsession s ON s.tenant_id = m.tenant_id AND s.id = w.session_id AND s.member_id = m.id
LEFT JOIN organizations_organization o
  ON o.tenant_id = m.tenant_id AND o.id = w.organization_id AND o.status = 'active'
"""
_LOAD = Prepared(f"""
SELECT {COLUMNS} FROM (
  SELECT %(member)s::uuid AS member_id, %(session)s::uuid AS session_id, %(organization)s::uuid AS organization_id,
         %(acr)s::text AS acr) w {JOINED}
""")  # noqa: S608 — constants
_STRONG = [acr for acr in assurance.OFFERED if assurance.satisfies(acr, assurance.PHISHING_RESISTANT)]


def parameters() -> dict[str, Any]:
    """Return the values that COLUMNS and JOINED need in the open tenant scope."""
    return {"tenant": scope.require_tenant(), "strong": _STRONG, "now": timezone.now()}


@dataclass(frozen=True)
class SignIn:
    """The sign-in that a code or family descends from; its session may be over."""

    acr: str
    amr: tuple[str, ...]
    auth_time: datetime


def load(
    member_id: uuid.UUID,
    session_id: uuid.UUID | None,
    organization_id: uuid.UUID | None,
    sign_in: SignIn,
    *,
    ends_with_session: bool = True,
) -> Standing | None:
    """Return the standing of a member in the open tenant scope, None when nothing may be issued any more.

    A session that ended, went idle or reached its limit ends everything but offline access, which then goes
    on without it. The tenant's demand for a fresh sign-in ends both, and so does a demand for more factors
    than the sign-in proved (threat M3).
    """
    at = {"member": member_id, "session": session_id, "organization": organization_id, "acr": sign_in.acr}
    found = _LOAD.all({**parameters(), **at})
    return judge(found[0], member_id, organization_id, sign_in, ends_with_session=ends_with_session)


def judge(
    row: Sequence[Any],
    member_id: uuid.UUID,
    organization_id: uuid.UUID | None,
    sign_in: SignIn,
    *,
    ends_with_session: bool = True,
) -> Standing | None:
    """The same from the values of COLUMNS."""
    if row[6] != MemberStatus.ACTIVE or (organization_id and not row[13]):
        return None
    alive = _is_alive(row)
    if ends_with_session and not alive:
        return None
    since = row[7]
    if since is not None and sign_in.auth_time <= since:
        return None
    if not _is_enough(row, sign_in.acr):
        return None
    subject, name, email, email_verified, locale, authority_version = row[:6]
    return Standing(
        member_id=member_id,
        subject=subject,
        name=name,
        email=email,
        email_verified=email_verified,
        locale=locale,
        authority_version=authority_version,
        acr=sign_in.acr,
        amr=sign_in.amr,
        auth_time=sign_in.auth_time,
        session_id=row[8] if alive else None,
        organization_id=organization_id,
        profile=from_json(row[14]),
        metadata=from_json(row[15]),
        updated_at=row[16],
    )


def _is_enough(row: Any, acr: str) -> bool:
    """Whether the sign-in proved what tenant, organization and roles demand by now."""
    if row[17] is None:
        return True
    needed = weigh(row[12], row[17])
    return not needed or assurance.satisfies(acr, needed)


def _is_alive(row: Any) -> bool:
    session_id, ended_at, expires_at, last_active_at = row[8], row[9], row[10], row[11]
    if session_id is None or ended_at is not None:
        return False
    now = timezone.now()
    idle = selectors.policy().idle_for(from_json(row[12]) if row[12] else None)
    return bool(expires_at > now and last_active_at + timedelta(seconds=idle) > now)


def from_json(value: Any) -> Any:
    """Raw cursors hand out jsonb as text."""
    return json.loads(value) if isinstance(value, str) else value
