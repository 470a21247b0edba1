"""What people do about their account as a whole; written to the account's own stream."""

from __future__ import annotations

from events.registry import declare

DUE = {"due_at": {"type": "string", "format": "date-time"}}

declare(
    "account.tenant.left",
    "A person left a tenant, which keeps a pseudonym only",
    object="account",
    fields={"tenant": "string"},
)
declare("user.export.requested", "A person asked for a copy of their data", object="account")
declare("user.export.completed", "The copy of a person's data is ready", object="account")
declare("account.export.downloaded", "A person downloaded a copy of their data", object="account")
declare("user.deletion_requested", "A person planned the end of their account", object="account", fields=DUE)
declare("account.deletion.cancelled", "A person keeps their account after all", object="account")
declare("account.deletion.stopped", "An account could not be deleted yet", object="account")
declare("account.deleted", "An account was deleted at its owner's wish", object="account")
declare("account.takeover.reported", "A person said that something was not done by them", object="account")
