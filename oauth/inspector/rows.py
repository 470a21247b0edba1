"""Refresh tokens and codes: opaque to everybody else, rows to us."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from core import ids, secrets
from core.check_order import Check
from core.errors import TokenExpired, TokenInvalid, TokenRevoked
from oauth import code_grant
from oauth.inspector import liveness
from oauth.inspector.liveness import moment
from oauth.inspector.probe import Probe
from oauth.inspector.report import Findings, Kind, Report, not_ours
from oauth.member_tokens import REFRESH_PURPOSE
from oauth.models import Grant, RefreshToken
from organizations import selectors as organizations
from organizations.models import Organization
from tenants.selectors import TenantRef


def refresh_token(tenant: TenantRef, token: str, probe: Probe | None) -> Report:
    row = _find(RefreshToken, token, REFRESH_PURPOSE)
    if row is None:
        return not_ours()
    findings = _begin(Kind.REFRESH_TOKEN, tenant, row, probe)
    used = _("It was used %(at)s: the one that came in answer replaces it. Sent again it ends its family.")
    _used(findings, row.used_at, used)
    if row.revoked is not None:
        revoked = _("Its family was revoked %(at)s.") % {"at": moment(row.revoked)}
        findings.failed(Check.UNREVOKED, TokenRevoked, revoked, _(liveness.SIGN_IN_AGAIN), part=_("family"))
    _standing(findings, tenant, row, needs_session=row.ends_with_session)
    return findings.report()


def code(tenant: TenantRef, text: str, probe: Probe | None) -> Report:
    row = _find(Grant, text, code_grant.PURPOSE)
    if row is None:
        return not_ours()
    findings = _begin(Kind.CODE, tenant, row, probe)
    _used(findings, row.used_at, _("It was used %(at)s. Sent again it ends what it was redeemed for."))
    _standing(findings, tenant, row, needs_session=True)
    return findings.report()


def _find(model: Any, text: str, purpose: str) -> Any:
    if len(text) > 200:
        return None
    rows = model.objects.filter(digest__in=secrets.fingerprints(text, purpose))
    return rows.select_related("member", "application").first()


def _begin(kind: Kind, tenant: TenantRef, row: Any, probe: Probe | None) -> Findings:
    findings = Findings(kind)
    findings.facts = {
        "sub": row.member.subject,
        "client_id": row.application.client_id,
        "scope": row.scope,
        "family": ids.encode("fam", row.token_family),
    }
    findings.passed(Check.AUTHENTIC, _("Issued by this tenant %(at)s.") % {"at": moment(row.created_at)})
    good = row.expires > timezone.now()
    detail = _("Good until %(at)s.") % {"at": moment(row.expires)}
    findings.judge(Check.UNEXPIRED, good, detail, TokenExpired, _(liveness.SIGN_IN_AGAIN))
    _place(findings, tenant, row, probe)
    return findings


def _place(findings: Findings, tenant: TenantRef, row: Any, probe: Probe | None) -> None:
    """It goes to the token endpoint; as a bearer token of an API it is nothing."""
    where = _("Only the token endpoint takes it, from the application that got it.")
    if probe is None:
        findings.passed(Check.TYPE, where)
    else:
        findings.failed(Check.TYPE, TokenInvalid, where, _("Redeem it, and send the access token."))
    audience = _("Its access tokens are for %(audience)s, issued by %(issuer)s.")
    findings.passed(Check.AUDIENCE, audience % {"audience": row.audience, "issuer": tenant.issuer})
    findings.passed(Check.TENANT, tenant.slug)
    findings.passed(Check.SUBJECT_TYPE, "user")
    findings.passed(Check.SCOPE, _("Granted: %s") % (row.scope or "–"))


def _used(findings: Findings, at: datetime | None, words: str) -> None:
    if at is not None:
        fix = _("Use the newest one that the application got.")
        findings.failed(Check.UNREVOKED, TokenRevoked, words % {"at": moment(at)}, fix, part=_("used once"))


def _standing(findings: Findings, tenant: TenantRef, row: Any, *, needs_session: bool) -> None:
    """What oauth.standing asks before anything is issued, one by one."""
    session = liveness.session(findings, row.session_id, needed=needs_session)
    if session is not None and needs_session and session.ended_at is None and liveness.is_idle(session):
        detail = _("The person was last active %(at)s, longer ago than the session may idle.")
        findings.failed(
            Check.UNREVOKED,
            TokenRevoked,
            detail % {"at": moment(session.last_active_at)},
            _(liveness.SIGN_IN_AGAIN),
            part=_("session"),
        )
    liveness.client(findings, tenant, row.application.client_id)
    liveness.member(findings, row.member)
    liveness.sign_in(findings, row.member, row.auth_time)
    if row.organization_id is None:
        findings.not_asked(Check.ORGANIZATION, _("It speaks of no organization."))
        return
    there = organizations.belongs(row.member_id, row.organization_id)
    named = _("It speaks of %s.") % Organization(id=row.organization_id).public_id
    fix = _("Add the member to the organization again.")
    findings.judge(Check.ORGANIZATION, there, named, TokenRevoked, fix)
