"""The one order in which a request's credential is judged (AZ-07, api-conventions §2).

Of two failures the earlier is the one reported. The door (core.api.endpoint), the tests of the order and the
token inspector all speak of these checks.
"""

from __future__ import annotations

from enum import StrEnum


class Check(StrEnum):
    """In order; `unrevoked` stands for whatever a token hangs on: session, member, client, key, deny-list."""

    PRESENT = "present"
    AUTHENTIC = "authentic"
    UNEXPIRED = "unexpired"
    UNREVOKED = "unrevoked"
    TYPE = "token type"
    AUDIENCE = "audience"
    TENANT = "tenant"
    ORGANIZATION = "organization"
    SUBJECT_TYPE = "subject type"
    SCOPE = "scope"
    ROLE = "role"
    POLICY = "policy"
    DELEGATION = "delegation"
    STEP_UP = "step-up"
    QUOTA = "quota"


ORDER = tuple(Check)
# Which check speaks by an error code; token_invalid is the audience's too, once a token is authentic.
BY_CODE = {
    "token_missing": Check.PRESENT,
    "token_invalid": Check.AUTHENTIC,
    "dpop_proof_invalid": Check.AUTHENTIC,
    "dpop_nonce_required": Check.AUTHENTIC,
    "token_expired": Check.UNEXPIRED,
    "token_revoked": Check.UNREVOKED,
    "subject_suspended": Check.UNREVOKED,
    "wrong_token_type": Check.TYPE,
    "tenant_mismatch": Check.TENANT,
    "org_mismatch": Check.ORGANIZATION,
    "subject_type_not_allowed": Check.SUBJECT_TYPE,
    "insufficient_scope": Check.SCOPE,
    "insufficient_role": Check.ROLE,
    "policy_denied": Check.POLICY,
    "delegation_required": Check.DELEGATION,
    "delegation_expired": Check.DELEGATION,
    "step_up_required": Check.STEP_UP,
    "rate_limit_exceeded": Check.QUOTA,
    "quota_exceeded": Check.QUOTA,
}
