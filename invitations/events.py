"""Events of invitations."""

from __future__ import annotations

from events.registry import Schema, declare

INVITATION: dict[str, Schema | str] = {
    "email": "string",
    "state": {"type": "string", "enum": ["pending", "accepted", "declined", "revoked", "expired"]},
    "organization": {"type": ["string", "null"]},
    "roles": {"type": "array", "items": {"type": "string"}},
    "member": {"type": ["string", "null"]},
    "expires_at": {"type": ["string", "null"]},
}

declare("invitation.created", "A person was invited", object="invitation", fields=INVITATION)
declare("invitation.sent", "An invitation was mailed", object="invitation", fields=INVITATION)
declare("invitation.accepted", "An invited person joined", object="invitation", fields=INVITATION)
declare("invitation.declined", "An invited person declined", object="invitation", fields=INVITATION)
declare("invitation.revoked", "An invitation was withdrawn", object="invitation", fields=INVITATION)
declare("invitation.expired", "An invitation ran out", object="invitation", fields=INVITATION)
