"""What people do about their account as a whole; written to the account's own stream."""

from __future__ import annotations

from events.registry import declare

declare(
    "account.tenant.left",
    "A person left a tenant, which keeps a pseudonym only",
    object="account",
    fields={"tenant": "string"},
)
