"""Events of organizations and who belongs to them."""

from __future__ import annotations

from events.registry import Schema, declare
from organizations.models import DomainState

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
DOMAIN: dict[str, Schema | str] = {
    "organization": "string",
    "domain": "string",
    "state": {"type": "string", "enum": [state.value for state in DomainState]},
    "method": {"type": ["string", "null"], "enum": ["dns", "http", None]},
    "verified_at": {"type": ["string", "null"], "format": "date-time"},
    "auto_join": "boolean",
    "auto_join_role": {"type": ["string", "null"]},
    "metadata": "object",
}

declare("organization.created", "An organization was created", object="organization", fields=ORGANIZATION)
declare("organization.updated", "An organization was changed", object="organization", fields=ORGANIZATION)
declare("organization.deleted", "An organization was deleted", object="organization", fields=ORGANIZATION)
declare("organization.member.added", "A member joined an organization", object="membership", fields=MEMBER)
declare("organization.member.removed", "A member left an organization", object="membership", fields=MEMBER)
for word, said in (
    ("added", "An organization named a domain as its own"),
    ("verified", "An organization proved that a domain is its own"),
    ("updated", "Who joins an organization by a domain was changed, or its proof is waited for again"),
    ("failed", "The proof of an organization's domain was lost, or did not come in time"),
    ("removed", "An organization gave a domain up"),
):
    declare(f"organization.domain.{word}", said, object="organization_domain", fields=DOMAIN)
