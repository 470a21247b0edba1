"""A connection in the words of events; its secret is in none of them."""

from __future__ import annotations

from typing import Any

from core import ids
from federation.models import Connection
from organizations.models import Organization
from roles.models import Role

SHOWN = (
    "client_id", "client_auth", "status", "endpoints", "algorithms", "scopes", "attributes", "create_members",
    "trust_email", "trust_mfa", "enforced", "metadata",
)  # fmt: skip


def describe(row: Connection, *changed: str, whole: bool = False, **more: Any) -> dict[str, Any]:
    """Return what tells the connection apart, with the fields that changed, or with all of them."""
    head: dict[str, Any] = {"id": row.public_id, "object": "sso_connection"}
    head |= {"name": row.name, "issuer": row.issuer, "organization": _id(Organization, row.organization_id)}
    fields = {name: getattr(row, name) for name in (SHOWN if whole else changed) if name in SHOWN}
    if whole or "default_role" in changed:
        fields["default_role"] = _id(Role, row.default_role_id)
    return {**head, **fields, **{name: value for name, value in more.items() if value not in ("", None)}}


def _id(kind: Any, value: Any) -> str | None:
    return ids.encode(kind.PREFIX, value) if value else None
