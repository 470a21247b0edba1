"""The verbs of roles: `roles` makes and changes them, `assignments` gives and takes them, `rights` says who may.

Those of groups: `groups` makes and changes them, `group_members` and `group_roles` say who is in them and what they
give, `group_grants` makes assignments of that, and `group_sync` follows what an outside directory says.
"""

from roles.services.assignments import (
    assign_role,
    assign_role_as_system,
    belongs_there,
    bump,
    remove,
    unassign_role,
)
from roles.services.group_members import add_to_group, leave_groups, remove_from_group
from roles.services.group_roles import add_group_role, remove_group_role
from roles.services.group_sync import Synced, end_group_source, may_sync_groups, sync_groups
from roles.services.groups import create_group, delete_group, update_group
from roles.services.rights import needed_for
from roles.services.roles import create_built_in_roles, create_role, delete_role, update_role

__all__ = [
    "Synced",
    "add_group_role",
    "add_to_group",
    "assign_role",
    "assign_role_as_system",
    "belongs_there",
    "bump",
    "create_built_in_roles",
    "create_group",
    "create_role",
    "delete_group",
    "delete_role",
    "end_group_source",
    "leave_groups",
    "may_sync_groups",
    "needed_for",
    "remove",
    "remove_from_group",
    "remove_group_role",
    "sync_groups",
    "unassign_role",
    "update_group",
    "update_role",
]
