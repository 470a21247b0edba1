"""What events say of roles and of who has them."""

from __future__ import annotations

from typing import Any

from core import ids
from core.api.fields import timestamp
from roles.models import Group, Role, RoleAssignment
from tenants.models import Member


def describe(role: Role, *, whole: bool = False, **more: Any) -> dict[str, Any]:
    shown = {"name": role.name}
    if whole:
        shown |= {
            "description": role.description,
            "permissions": role.permissions,
            "required_factor": role.required_factor,
        }
    organization = ids.encode("org", role.organization_id) if role.organization_id else None
    return {"id": role.public_id, "object": "role", "organization": organization, **shown, **more}


def describe_assignment(row: RoleAssignment, member: Member, role: Role) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "object": "role_assignment",
        "member": member.subject,
        "role": role.name,
        "role_id": role.public_id,
        "organization": ids.encode("org", row.organization_id) if row.organization_id else None,
        "group": ids.encode(Group.PREFIX, row.group_id) if row.group_id else None,
        "expires_at": timestamp(row.expires_at),
    }


def describe_group(group: Group, *, whole: bool = False, **more: Any) -> dict[str, Any]:
    organization = ids.encode("org", group.organization_id) if group.organization_id else None
    shown = {"id": group.public_id, "object": "group", "name": group.name, "organization": organization}
    if whole:
        shown |= {"description": group.description, "external_id": group.external_id}
    return {**shown, **more}
