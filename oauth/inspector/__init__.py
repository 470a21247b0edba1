"""Explain this token, explain this denial (NEW-03): the ordered decision, and the one change that flips it.

What is pasted is looked at and forgotten: it is not stored, not logged and not shown again. Of a token that
another tenant issued nothing is said but that this one did not.
"""

from __future__ import annotations

from core import ports, ratelimit, scope, secrets
from core.errors import OrgMismatch, RateLimitExceeded
from core.principal import Principal
from core.ratelimit import Limit
from oauth.inspector import jwts, keys, probe, requests, rows
from oauth.inspector.report import Report, not_ours
from oauth.member_tokens import REFRESH_PREFIX
from roles.permissions import Permission
from tenants import selectors

__all__ = ["Report", "inspect"]
LONGEST = 16 * 1024
RATE = Limit("token_inspections", 60)
REQUEST_PREFIX = "req_"


def inspect(*, actor: Principal, text: str, operation: str = "") -> Report:
    """Explain a token, key or code of the open tenant, or what became of a request by its id.

    `operation` is what to try it against: a permission, or a method and an address. Raises InsufficientScope
    and its kin, OrgMismatch for administrators of an organization, RateLimitExceeded, ValidationFailed.
    """
    ports.authority.require(actor, Permission.AUDIT_READ)
    if actor.organization_id is not None:
        raise OrgMismatch("Only administrators of the whole tenant inspect its tokens.")
    _limit(actor)
    text = text.strip()
    if text.startswith(REQUEST_PREFIX):
        return requests.inspect(text)
    tenant = selectors.by_id(scope.require_tenant())
    assert tenant is not None
    tried = probe.read(tenant, operation)
    if not text or len(text) > LONGEST or not text.isascii():
        return not_ours()
    if secrets.is_key(text):
        return keys.inspect(tenant, text, tried)
    if text.startswith(REFRESH_PREFIX):
        return rows.refresh_token(tenant, text, tried)
    if text.count(".") == 2:
        return jwts.inspect(tenant, text, tried)
    return rows.code(tenant, text, tried)


def _limit(actor: Principal) -> None:
    """Nobody tries out secrets here by the thousand."""
    decision = ratelimit.hit(tenant=str(actor.tenant_id), subjects=[actor.subject], limits=[RATE])
    if not decision.allowed:
        raise RateLimitExceeded(headers=decision.headers(), violated_policies=decision.violated)
