"""API keys: compared, never counted as used."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from django.utils.translation import gettext as _

from apikeys import live, selectors
from apikeys.live import LiveKey
from core import ids, secrets
from core.check_order import Check
from core.errors import (
    InsufficientRole,
    InsufficientScope,
    OrgMismatch,
    PolicyDenied,
    Problem,
    SubjectTypeNotAllowed,
    TokenExpired,
    TokenInvalid,
    TokenRevoked,
)
from core.principal import SubjectType
from oauth.inspector.liveness import moment
from oauth.inspector.probe import Probe
from oauth.inspector.report import Findings, Kind, Report, not_ours
from organizations.models import Organization
from tenants.selectors import TenantRef


def inspect(tenant: TenantRef, text: str, probe: Probe | None) -> Report:
    key = _own(text)
    if key is None:
        return not_ours()
    findings = Findings(Kind.API_KEY)
    findings.facts = {"key": key.public_id, "subject": key.subject, "scope": " ".join(key.scopes)}
    findings.passed(Check.AUTHENTIC, _("A key of this tenant: %s…") % key.hint)
    _life(findings, tenant, key)
    _place(findings, tenant, key, probe)
    _rights(findings, key, probe)
    return findings.report()


def _own(text: str) -> LiveKey | None:
    """Return the key that the text proves if it is one of the open tenant; others are not even compared."""
    try:
        public_part = secrets.parse_key(text).public_id
        known = selectors.api_keys().filter(public_part=public_part).exists()
        return live.authenticate(text) if known else None
    except (ValueError, TokenInvalid):
        return None


def _life(findings: Findings, tenant: TenantRef, key: LiveKey) -> None:
    forever = not math.isfinite(key.ends_at)
    until = _("forever") if forever else moment(datetime.fromtimestamp(key.ends_at, UTC))
    fix = _("Rotate the key, or make a new one.")
    try:
        live.check(key, tenant)
    except TokenExpired:
        findings.failed(Check.UNEXPIRED, TokenExpired, _("Good until %(at)s.") % {"at": until}, fix)
    except Problem as problem:
        findings.passed(Check.UNEXPIRED, _("Good until %(at)s.") % {"at": until})
        findings.failed(Check.UNREVOKED, type(problem), problem.title, problem.detail)
    else:
        findings.passed(Check.UNEXPIRED, _("Good until %(at)s.") % {"at": until})
        findings.passed(Check.UNREVOKED, _("Key, maker, service account and organization are active."))
    if key.is_revoked and not any(step.check is Check.UNREVOKED for step in findings.steps):
        findings.failed(Check.UNREVOKED, TokenRevoked, _("The key was revoked."), fix)


def _place(findings: Findings, tenant: TenantRef, key: LiveKey, probe: Probe | None) -> None:
    findings.passed(Check.TYPE, _("An API key."))
    fits = probe is None or probe.audience == key.audience
    fix = _("Use a key that was made for %s.") % (probe.audience if probe else "")
    findings.judge(Check.AUDIENCE, fits, _("For %s.") % key.audience, TokenInvalid, fix)
    findings.passed(Check.TENANT, tenant.slug)
    own = ids.encode(Organization.PREFIX, key.organization_id) if key.organization_id else ""
    if not own:
        findings.not_asked(Check.ORGANIZATION, _("A key of the tenant itself."))
    else:
        fits = probe is None or probe.organization in ("", own)
        fix = _("Use a key of that organization.")
        findings.judge(Check.ORGANIZATION, fits, _("A key of %s.") % own, OrgMismatch, fix)
    allowed = probe is None or SubjectType.SERVICE in probe.subject_types
    fix = _("Call on behalf of a person.")
    findings.judge(Check.SUBJECT_TYPE, allowed, "service", SubjectTypeNotAllowed, fix)


def _rights(findings: Findings, key: LiveKey, probe: Probe | None) -> None:
    shown = _("Scopes of the key: %s") % (" ".join(key.scopes) or "–")
    if probe is None or not probe.permission:
        findings.passed(Check.SCOPE, shown)
    else:
        fix = _("Make a key with the scope %s.") % probe.permission
        findings.judge(Check.SCOPE, probe.permission in key.scopes, shown, InsufficientScope, fix)
        held = probe.permission in live.permissions(key)
        fix = _("Whoever made the key must hold %s.") % probe.permission
        findings.judge(Check.ROLE, held, _("By the roles of its maker."), InsufficientRole, fix)
    if key.exchange_only:
        fix = _("POST the key to /v1/auth/token and send the access token.")
        findings.failed(Check.POLICY, PolicyDenied, _("This tenant takes keys only in exchange."), fix)
