"""Does a trusted issuer work: are its keys to be had, and what would one of its tokens come to."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from core import jobs, scope
from oauth import outside_tokens, trusted_issuers
from oauth.outside_tokens import Issuer, Untrusted

JOB = "oauth.check_trusted_issuer"


def run(issuer: Issuer, token: str = "") -> dict[str, Any]:
    """Return what was found; it may call out, so call it with no scope open. A token is not stored.

    Whatever kept us from the keys reads the same (threat W3).
    """
    keys = _keys(issuer)
    return {
        "object": "trusted_issuer_test",
        "reachable": bool(keys),
        "keys": [{"kid": key.kid, "alg": key.alg} for key in keys if key.alg in issuer.algorithms],
        "token": _token(issuer, token) if token else None,
    }


def _keys(issuer: Issuer) -> Any:
    try:
        return outside_tokens.keys_of(issuer)
    except Untrusted:
        return ()


def _token(issuer: Issuer, token: str) -> dict[str, Any]:
    try:
        claims = outside_tokens.verify(issuer, token)
    except Untrusted as refused:
        return {"accepted": False, "reason": refused.reason}
    return {
        "accepted": True,
        "subject": outside_tokens.subject_of(issuer, claims),
        "email": outside_tokens.text_of(issuer, claims, "email", 254),
        "name": outside_tokens.text_of(issuer, claims, "name", 200),
        "organization": outside_tokens.text_of(issuer, claims, "organization", 120),
        "roles": outside_tokens.words_of(issuer, claims, "roles"),
    }


@jobs.handler(JOB, opens_scope=False)
def check(payload: Mapping[str, Any]) -> None:
    """Look for the keys and note the result in the row, for the dashboard."""
    tenant_id, issuer_id = payload["_tenant_id"], uuid.UUID(payload["issuer"])
    with scope.tenant(tenant_id):
        row = trusted_issuers.issuers().filter(id=issuer_id).first()
    if row is None:
        return
    found = run(trusted_issuers.snapshot(row))
    with scope.tenant(tenant_id):
        trusted_issuers.issuers().filter(id=issuer_id).update(
            checked_at=timezone.now(), check_result={"reachable": found["reachable"], "keys": found["keys"]}
        )
