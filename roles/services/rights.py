"""Which permission it takes to decide about roles, and which permissions a role may have."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from core.errors import FieldError, ValidationFailed
from roles.permissions import ORGANIZATION, Permission


def needed_for(organization_id: uuid.UUID | None) -> Permission:
    """Roles inside an organization are its own business; those of the tenant are not."""
    return Permission.ORGANIZATIONS_WRITE if organization_id else Permission.ROLES_WRITE


def checked(permissions: Iterable[str], organization_id: uuid.UUID | None) -> list[str]:
    """Return the permissions, sorted, each once; raises ValidationFailed for one that is not on offer."""
    offered = ORGANIZATION if organization_id else frozenset(Permission)
    words = sorted({str(word) for word in permissions})
    unknown = [word for word in words if word not in offered]
    if unknown:
        where = "a role of one organization" if organization_id else "a role"
        detail = f"{', '.join(unknown)} is not a permission that {where} can have."
        raise ValidationFailed(errors=[FieldError("/permissions", "unknown_permission", detail)])
    return words
