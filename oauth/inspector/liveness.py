"""Whatever a token hangs on, one step for each: tenant, session, member, client (threat O16)."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from core.check_order import Check
from core.errors import SubjectSuspended, TokenRevoked
from oauth import clients
from oauth.inspector.report import Findings
from organizations.policy import idle_limit
from tenants import selectors, sessions
from tenants.models import Member, MemberStatus, TenantSession
from tenants.selectors import TenantRef

SIGN_IN_AGAIN = "The person has to sign in again."


def moment(at: datetime) -> str:
    return date_format(at, "Y-m-d H:i:s") + " UTC"


def session(findings: Findings, session_id: uuid.UUID | None, *, needed: bool = True) -> TenantSession | None:
    """Judge the session; `needed` is off for offline access, which outlives it."""
    if session_id is None:
        findings.not_asked(Check.UNREVOKED, _("It hangs on no session."), part=_("session"))
        return None
    row = TenantSession.objects.filter(id=session_id).select_related("member").first()
    over = _why_over(row)
    detail = _("%(id)s: %(state)s") % {
        "id": TenantSession(id=session_id).public_id,
        "state": over or _("open"),
    }
    without = _("(offline access goes on without it)")
    if over and not needed:
        findings.not_asked(Check.UNREVOKED, f"{detail} {without}", part=_("session"))
    else:
        findings.judge(Check.UNREVOKED, not over, detail, TokenRevoked, _(SIGN_IN_AGAIN), part=_("session"))
    return row


def _why_over(row: TenantSession | None) -> str:
    if row is None:
        return _("not there any more")
    if row.ended_at is not None:
        return _("ended %(at)s (%(why)s)") % {"at": moment(row.ended_at), "why": row.end_reason or "–"}
    if timezone.now() >= row.expires_at:
        return _("reached its limit %(at)s") % {"at": moment(row.expires_at)}
    return ""


def is_idle(row: TenantSession) -> bool:
    return sessions.is_idle(row, idle_limit(selectors.policy(), row.organization_id))


def member(findings: Findings, row: Member | None) -> None:
    """Judge the person's standing in the tenant."""
    if row is None or row.status == MemberStatus.REMOVED:
        findings.failed(
            Check.UNREVOKED,
            TokenRevoked,
            _("The member is not there any more."),
            _("Nothing: a removed member's subject is never used again."),
            part=_("member"),
        )
        return
    detail = _("%(id)s: %(status)s") % {"id": row.subject, "status": row.status}
    findings.judge(
        Check.UNREVOKED,
        row.is_active,
        detail,
        SubjectSuspended,
        _("Reactivate the member, then sign in again."),
        part=_("member"),
    )


def sign_in(findings: Findings, row: Member | None, auth_time: datetime) -> None:
    """Judge whether the tenant still accepts a sign-in of that time (SES-05)."""
    since = row.reauthenticate_after if row else None
    if since is not None and auth_time <= since:
        detail = _("The tenant demanded a new sign-in %(at)s.") % {"at": moment(since)}
        findings.failed(Check.UNREVOKED, TokenRevoked, detail, _(SIGN_IN_AGAIN), part=_("sign-in"))


def client(findings: Findings, tenant: TenantRef, client_id: str) -> None:
    """Judge the application."""
    found = clients.find(tenant, client_id)
    if found is None:
        findings.failed(
            Check.UNREVOKED,
            TokenRevoked,
            _("The application %(id)s is not there any more.") % {"id": client_id},
            _("Nothing: a deleted application's tokens stay dead."),
            part=_("application"),
        )
        return
    state = _("disabled") if found.is_disabled else _("active")
    detail = _("%(name)s (%(id)s): %(state)s") % {
        "name": found.name,
        "id": client_id,
        "state": state,
    }
    findings.judge(
        Check.UNREVOKED,
        not found.is_disabled,
        detail,
        TokenRevoked,
        _("Enable the application again."),
        part=_("application"),
    )
