"""Signed tokens: access tokens (RFC 9068), ID tokens, logout tokens."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _

from apikeys import live as keys_live
from core import ids, jose
from core.check_order import Check
from core.errors import (
    InsufficientRole,
    InsufficientScope,
    OrgMismatch,
    Problem,
    SubjectTypeNotAllowed,
    TokenExpired,
    TokenInvalid,
    TokenRevoked,
    WrongTokenType,
)
from oauth import clients
from oauth.binding import JKT, X5T
from oauth.inspector import liveness
from oauth.inspector.liveness import moment
from oauth.inspector.probe import Probe
from oauth.inspector.report import Findings, Kind, Report, not_ours
from organizations import selectors as organizations
from organizations.models import Organization
from roles import authority
from tenants import bearer, keys
from tenants.models import Member, TenantSession
from tenants.selectors import TenantRef
from tenants.tokens import ACCESS, ID, LOGOUT

TYPES = {ACCESS: Kind.ACCESS_TOKEN, LOGOUT: Kind.LOGOUT_TOKEN, ID.lower(): Kind.ID_TOKEN}


def inspect(tenant: TenantRef, token: str, probe: Probe | None) -> Report:
    """Judge a JWT that this tenant may have signed; what is not its own is told apart no further."""
    try:
        header = jose.unverified_header(token)
        claims = jose.verify(token, keys.verification_keys(tenant.id), typ=list(TYPES))
    except jose.TokenError:
        return not_ours()
    if claims.get("iss") != tenant.issuer:
        return not_ours()
    findings = Findings(TYPES[str(header["typ"]).lower()])
    findings.claims = claims
    signed = _("Signed by this tenant with %(alg)s, key %(kid)s.")
    findings.passed(Check.AUTHENTIC, signed % {"alg": header["alg"], "kid": header.get("kid", "–")})
    _binding(findings, claims)
    _times(findings, claims)
    _Holder(findings, tenant, claims).judge(probe)
    return findings.report()


def _binding(findings: Findings, claims: Mapping[str, Any]) -> None:
    """Say what must come along with a bound token; whether it did, only the request knows."""
    bound = claims.get("cnf") or {}
    if JKT in bound:
        needed = _("Taken only with the scheme DPoP and a proof of the key %(key)s.") % {"key": bound[JKT]}
        findings.not_asked(Check.AUTHENTIC, needed, part=_("DPoP"))
    if X5T in bound:
        needed = _("Taken only from the client with the certificate %(key)s.") % {"key": bound[X5T]}
        findings.not_asked(Check.AUTHENTIC, needed, part=_("client certificate"))


def _times(findings: Findings, claims: Mapping[str, Any]) -> None:
    expires = datetime.fromtimestamp(claims["exp"], UTC)
    detail = _("Good until %(at)s.") % {"at": moment(expires)}
    try:
        jose.check_times(claims)
    except jose.TokenError:
        fix = _("Refresh it, exchange the key again, or sign in again.")
        findings.failed(Check.UNEXPIRED, TokenExpired, detail, fix)
    else:
        findings.passed(Check.UNEXPIRED, detail)


class _Holder:
    """The claims of an authentic token against the rows of this moment."""

    def __init__(self, findings: Findings, tenant: TenantRef, claims: Mapping[str, Any]) -> None:
        self.findings, self.tenant, self.claims = findings, tenant, claims
        self.kind = str(claims.get("subject_type", "user"))
        self.is_access = findings.kind is Kind.ACCESS_TOKEN
        self.member = self._member()

    def judge(self, probe: Probe | None) -> None:
        self._liveness()
        self._type()
        self._audience(probe)
        self.findings.passed(Check.TENANT, self.tenant.slug)
        self._organization(probe)
        self._subject_type(probe)
        if self.is_access:
            self._rights(probe)

    def _member(self) -> Member | None:
        if self.kind == "service":
            return None
        return Member.objects.filter(subject=str(self.claims["sub"])).first()

    @property
    def session_id(self) -> uuid.UUID | None:
        sid = self.claims.get("sid")
        return ids.decode(TenantSession.PREFIX, str(sid)) if sid else None

    @property
    def organization_id(self) -> uuid.UUID | None:
        named = self.claims.get("org_id")
        return ids.decode(Organization.PREFIX, str(named)) if named else None

    def _liveness(self) -> None:
        """What the live check asks, one by one; and its own word, so that the two never disagree."""
        findings, claims = self.findings, self.claims
        if self.is_access and bearer.is_revoked(self.tenant, str(claims["jti"])):
            fix = _("Nothing brings a revoked token back: get a new one.")
            findings.failed(
                Check.UNREVOKED, TokenRevoked, _("The token itself was revoked."), fix, part=_("token")
            )
        if "key_id" in claims:
            self._key()
        else:
            liveness.session(findings, self.session_id)
            named = str(claims["client_id"] if self.is_access else claims["aud"])
            liveness.client(findings, self.tenant, named)
        if self.kind != "service":
            liveness.member(findings, self.member)
            if "auth_time" in claims and "sid" not in claims:
                at = datetime.fromtimestamp(claims["auth_time"], UTC)
                liveness.sign_in(findings, self.member, at)
        if self.is_access and not any(step.failed for step in findings.steps):
            self._last_word()

    def _last_word(self) -> None:
        try:
            bearer.check_live(self.tenant, self.claims)
        except Problem as problem:
            self.findings.failed(Check.UNREVOKED, type(problem), problem.detail)

    def _key(self) -> None:
        named = str(self.claims["key_id"])
        part = _("API key")
        try:
            keys_live.check(keys_live.by_id(self.tenant, named), self.tenant)
        except Problem as problem:
            detail = f"{named}: {problem.title}"
            self.findings.failed(Check.UNREVOKED, type(problem), detail, problem.detail, part=part)
        else:
            self.findings.passed(Check.UNREVOKED, named, part=part)

    def _type(self) -> None:
        if self.is_access:
            self.findings.passed(Check.TYPE, _("An access token (at+jwt)."))
            return
        names = {
            Kind.ID_TOKEN: _("An ID token tells the application who signed in; APIs do not take it."),
            Kind.LOGOUT_TOKEN: _("A logout token tells the application that a session ended."),
        }
        self.findings.failed(
            Check.TYPE, WrongTokenType, names[self.findings.kind], _("Send the access token instead.")
        )

    def _audience(self, probe: Probe | None) -> None:
        audience = str(self.claims.get("aud", ""))
        detail = _("For %(audience)s, issued by %(issuer)s.") % {
            "audience": audience,
            "issuer": self.tenant.issuer,
        }
        if probe is None or not self.is_access:
            self.findings.passed(Check.AUDIENCE, detail)
            return
        fix = _("Ask for a token with resource=%(audience)s.") % {"audience": probe.audience}
        self.findings.judge(Check.AUDIENCE, audience == probe.audience, detail, TokenInvalid, fix)

    def _organization(self, probe: Probe | None) -> None:
        named = self.claims.get("org_id", "")
        if probe is not None and probe.organization and named and probe.organization != named:
            fix = _("Switch to %(id)s: refresh with organization=%(id)s.") % {"id": probe.organization}
            self.findings.failed(Check.ORGANIZATION, OrgMismatch, _("It speaks of %s.") % named, fix)
        elif self.organization_id is None:
            self.findings.not_asked(Check.ORGANIZATION, _("It speaks of no organization."))
        elif self.member is not None:
            there = organizations.belongs(self.member.id, self.organization_id)
            fix = _("Add the member to the organization again, or get a token for another one.")
            detail = _("It speaks of %s.") % named
            if not there:
                detail += " " + _("The member does not belong to it, or it is not active.")
            self.findings.judge(Check.ORGANIZATION, there, detail, TokenRevoked, fix)
        else:
            self.findings.passed(Check.ORGANIZATION, _("It speaks of %s.") % named)

    def _subject_type(self, probe: Probe | None) -> None:
        allowed = probe.subject_types if probe else None
        if allowed is None or not self.is_access:
            self.findings.passed(Check.SUBJECT_TYPE, self.kind)
            return
        fix = _("Call with a credential of one of: %s.") % ", ".join(sorted(allowed))
        self.findings.judge(Check.SUBJECT_TYPE, self.kind in allowed, self.kind, SubjectTypeNotAllowed, fix)

    def _rights(self, probe: Probe | None) -> None:
        scopes = str(self.claims.get("scope", "")).split()
        shown = _("Scopes of the token: %s") % (" ".join(scopes) or "–")
        if probe is None or not probe.permission:
            self.findings.passed(Check.SCOPE, shown)
            return
        fix = _("Ask for the scope %s; the application must be allowed it.") % probe.permission
        held = probe.permission in scopes
        self.findings.judge(Check.SCOPE, held, shown, InsufficientScope, fix)
        if probe.is_ours:
            self._role(probe.permission)
        else:
            self.findings.not_asked(Check.ROLE, _("The API itself decides."))

    def _role(self, permission: str) -> None:
        allowed, detail, fix = self._granted(permission)
        self.findings.judge(Check.ROLE, allowed, detail, InsufficientRole, fix)

    def _granted(self, permission: str) -> tuple[bool, str, str]:
        """Return whether roles, registration or key allow it now, in what words, and the way to it."""
        if "key_id" in self.claims:
            granted = keys_live.permissions_now(str(self.claims["key_id"]))
            fix = _("Whoever made the key must hold %s, and the key must name it.") % permission
            return permission in granted, _("By the key and the roles of its maker."), fix
        if self.kind == "service":
            client = clients.live(self.tenant, str(self.claims["client_id"]))
            allowed = client is not None and permission in client.scopes
            return allowed, _("By the application's scopes."), _("Add %s to its scopes.") % permission
        if self.member is None:
            return False, _("There is no member."), ""
        roles = ", ".join(authority.roles_of(self.member.id, self.organization_id)) or "–"
        granted = authority.permissions_of(self.member.id, self.organization_id)
        fix = _("Give the member a role with %s.") % permission
        return permission in granted, _("Roles now: %s.") % roles, fix
