"""After a restore: whatever may be used once was perhaps used after the backup, so none of it is good (R12).

A restored row cannot know that its code was redeemed, its session ended or its token rotated in the hours
that are lost. So open flows, codes, sessions, tokens, refresh families and invitations end; people sign in again.
"""

from __future__ import annotations

from django.db import connections, transaction

_STATEMENTS = {
    "sign-ins under way": "DELETE FROM signin_signinflow",
    "address changes under way": "DELETE FROM identity_emailclaim",
    "authorization codes": "UPDATE oauth_grant SET expires = now() WHERE used_at IS NULL AND expires > now()",
    "device codes": "UPDATE oauth_devicegrant SET expires = now() WHERE expires > now()",
    "refresh tokens": "UPDATE oauth_refreshtoken SET revoked = now() WHERE revoked IS NULL",
    "sign-ins": "UPDATE identity_identitysession SET ended_at = now() WHERE ended_at IS NULL",
    "tenant sessions": (
        "UPDATE tenants_tenantsession SET ended_at = now(), end_reason = 'restored' WHERE ended_at IS NULL"
    ),
    "people's own tokens": "UPDATE identity_accounttoken SET revoked_at = now() WHERE revoked_at IS NULL",
    "invitations": (
        "UPDATE invitations_invitation SET expires_at = now() WHERE state = 'pending' AND expires_at > now()"
    ),
}


def void_open_values() -> dict[str, int]:
    """End everything that could be used once more; returns how many of each. Works as the role owner."""
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        counts = {}
        for what, statement in _STATEMENTS.items():
            cursor.execute(statement)
            counts[what] = cursor.rowcount
    return counts
