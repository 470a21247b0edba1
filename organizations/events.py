"""Events of organizations and who belongs to them."""

from __future__ import annotations

from events.registry import Schema, declare

ORGANIZATION: dict[str, Schema | str] = {
    "name": "string",
    "slug": "string",
    "external_id": {"type": ["string", "null"]},
    "status": {"type": "string", "enum": ["active", "suspended", "deleted"]},
    "policy": "object",
    "branding": "object",
    "metadata": "object",
}
MEMBER: dict[str, Schema | str] = {"member": "string", "organization": "string", "reason": "string"}

declare("organization.created", "An organization was created", object="organization", fields=ORGANIZATION)
declare("organization.updated", "An organization was changed", object="organization", fields=ORGANIZATION)
declare("organization.deleted", "An organization was deleted", object="organization", fields=ORGANIZATION)
declare("organization.member.added", "A member joined an organization", object="membership", fields=MEMBER)
declare("organization.member.removed", "A member left an organization", object="membership", fields=MEMBER)
