"""Key → token: one policy function behind `POST /v1/auth/token` and the OAuth extension grant (KEY-05)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apikeys import admission, usage
from apikeys.admission import Admitted
from apikeys.errors import InvalidScope, InvalidTarget, TokenBindingRequired
from apikeys.live import LiveKey
from core import context, ids, ratelimit
from core.errors import Problem, RateLimitExceeded, TokenInvalid
from core.principal import SubjectType
from core.ratelimit import Limit, limit_for
from organizations.models import Organization
from roles import claim_mapping
from roles.claim_facts import Facts
from tenants.selectors import TenantRef
from tenants.tokens import mint_access_token

PER_KEY = limit_for("standard", service=True)
FAILURES = Limit("key_failures", 60)  # a minute, for one address


@dataclass(frozen=True)
class Exchanged:
    """An access token for a key; `expires_in` in seconds, ids in their public form."""

    access_token: str
    expires_in: int
    scope: str
    tenant_id: str
    organization_id: str | None
    token_type: str = "Bearer"

    def document(self) -> dict[str, Any]:
        return {
            "access_token": self.access_token,
            "token_type": self.token_type,
            "expires_in": self.expires_in,
            "scope": self.scope,
            "tenant_id": self.tenant_id,
            "organization_id": self.organization_id,
        }


def exchange(
    api_key: str,
    *,
    scope: str | None = None,
    audience: str | None = None,
    tenant: TenantRef | None = None,
    confirmation: Mapping[str, str] | None = None,
) -> Exchanged:
    """Return an access token with the key's scopes, or those of them that `scope` names.

    `tenant` is the one that the address names, if any; `confirmation` binds the token to a key (RFC 7800
    `cnf`). The token never outlives the key. Raises
    TokenInvalid, TokenRevoked, TokenExpired, TenantMismatch, SubjectSuspended, InvalidTarget, InvalidScope,
    RateLimitExceeded. Needs no open scope.
    """
    admitted = _admit(api_key, tenant)
    key = admitted.key
    try:
        _spend(str(key.tenant_id), sorted({key.public_id, key.subject}), PER_KEY)
        issued = _issue(admitted, scope, audience, confirmation)
    except Problem as problem:
        usage.denied(key, problem.code)
        raise
    usage.used(key)
    return issued


def _admit(api_key: str, tenant: TenantRef | None) -> Admitted:
    """Return what the key may do; wrong ones are counted by address, so that guessing ends in 429."""
    try:
        return admission.admit(api_key, tenant)
    except TokenInvalid:
        address = context.current().ip
        if address:
            _spend("", [address], FAILURES)
        raise


def _spend(tenant: str, subjects: Sequence[str], limit: Limit) -> None:
    decision = ratelimit.hit(tenant=tenant, subjects=subjects, limits=[limit])
    if not decision.allowed:
        raise RateLimitExceeded(headers=decision.headers(), violated_policies=decision.violated)


def _issue(
    admitted: Admitted, scope: str | None, audience: str | None, confirmation: Mapping[str, str] | None
) -> Exchanged:
    key, tenant = admitted.key, admitted.tenant
    if audience is not None and audience != key.audience:
        raise InvalidTarget
    if not key.token_binding.is_met_by(confirmation):
        raise TokenBindingRequired
    words = _narrowed(scope, [word for word in key.scopes if word in admitted.caller.permissions])
    lifetime = max(1, int(min(key.token_lifetime, key.ends_at - time.time())))
    minted = mint_access_token(
        tenant,
        subject=key.subject,
        subject_type=SubjectType.SERVICE,
        audience=key.audience,
        client_id=key.public_id,
        scopes=words,
        lifetime=lifetime,
        organization_id=key.organization_id,
        key_id=key.id,
        alg=key.signing_alg,
        extra={**_mapped(key, tenant, words), **({"cnf": dict(confirmation)} if confirmation else {})},
    )
    kind = "DPoP" if confirmation and "jkt" in confirmation else "Bearer"
    organization = ids.encode(Organization.PREFIX, key.organization_id) if key.organization_id else None
    return Exchanged(minted.token, minted.expires_in, " ".join(words), tenant.public_id, organization, kind)


def _mapped(key: LiveKey, tenant: TenantRef, words: list[str]) -> dict[str, Any]:
    """Return what the API resource maps into the tokens of keys (OAU-24)."""
    if not key.mapping:
        return {}
    facts = Facts(
        tenant,
        subject=key.subject,
        subject_type=SubjectType.SERVICE.value,
        client_id=key.public_id,
        organization_id=key.organization_id,
        scopes=words,
        permissions=lambda: words,
        metadata=key.metadata,
    )
    return claim_mapping.claims(key.mapping, claim_mapping.ACCESS, facts.read)


def _narrowed(asked: str | None, held: list[str]) -> list[str]:
    """Return the scopes of the token; asking for one that the key lacks is refused, never granted (O5)."""
    words = held if asked is None else sorted(set(asked.split()))
    if not words or not set(words) <= set(held):
        raise InvalidScope
    return words
