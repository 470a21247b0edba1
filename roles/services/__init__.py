"""The verbs of roles: `roles` makes and changes them, `assignments` gives and takes them, `rights` says who may."""

from roles.services.assignments import (
    assign_role,
    assign_role_as_system,
    belongs_there,
    remove,
    unassign_role,
)
from roles.services.rights import needed_for
from roles.services.roles import create_built_in_roles, create_role, delete_role, update_role

__all__ = [
    "assign_role",
    "assign_role_as_system",
    "belongs_there",
    "create_built_in_roles",
    "create_role",
    "delete_role",
    "needed_for",
    "remove",
    "unassign_role",
    "update_role",
]
