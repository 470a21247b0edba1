"""Whether a member and a sign-in are still good for tokens: decided from the rows, at the moment of use."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from core import scope
from core.postgres.prepared import Prepared
from identity import assurance
from oauth.issuing import Standing
from roles.assurance import weigh
from tenants import selectors
from tenants.models import MemberStatus

_LOAD = Prepared("""
SELECT m.subject, m.name, m.email, m.email_verified, m.locale, m.authority_version, m.status,
       m.reauthenticate_after, s.id, s.ended_at, s.expires_at, s.last_active_at,
       o.policy, o.id IS NOT NULL AND EXISTS (
         SELECT 1 FROM organizations_membership b
          WHERE b.tenant_id = m.tenant_id AND b.organization_id = o.id AND b.member_id = m.id),
       m.profile, m.metadata, m.updated_at,
       CASE WHEN %(weak)s THEN ARRAY(
         SELECT jsonb_build_array(r.is_built_in OR jsonb_array_length(r.permissions) > 0, r.required_factor)
           FROM roles_roleassignment a JOIN roles_role r ON r.tenant_id = a.tenant_id AND r.id = a.role_id
          WHERE a.tenant_id = m.tenant_id AND a.member_id = m.id
            AND (a.expires_at IS NULL OR a.expires_at > now())) END
  FROM tenants_member m
  LEFT JOIN tenants_tenantsession s ON s.tenant_id = m.tenant_id AND s.id = %(session)s AND s.member_id = m.id
  LEFT JOIN organizations_organization o
    ON o.tenant_id = m.tenant_id AND o.id = %(organization)s AND o.status = 'active'
 WHERE m.tenant_id = %(tenant)s AND m.id = %(member)s
""")


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
    row = _row(member_id, session_id, organization_id, sign_in.acr)
    if row is None or row[6] != MemberStatus.ACTIVE or (organization_id and not row[13]):
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
    organization = from_json(row[12]) if row[12] else None
    roles = [(bool(grants), str(factor)) for grants, factor in map(from_json, row[17])]
    needed = weigh(selectors.policy(), organization, roles)
    return not needed or assurance.satisfies(acr, needed)


def _row(
    member_id: uuid.UUID, session_id: uuid.UUID | None, organization_id: uuid.UUID | None, acr: str
) -> Any:
    parameters = {
        "tenant": scope.require_tenant(),
        "member": member_id,
        "session": session_id,
        "organization": organization_id,
        "weak": not assurance.satisfies(acr, assurance.PHISHING_RESISTANT),
    }
    return _LOAD.first(parameters)


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
