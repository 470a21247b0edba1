"""Refusals of the roles app."""

from __future__ import annotations

from core.errors import Conflict, InsufficientRole


class LastOwner(Conflict):
    code = "last_owner"
    title = "The last owner must stay"
    fix = "Make another person owner first, then repeat the change."


class RoleImmutable(Conflict):
    code = "role_immutable"
    title = "Built-in roles cannot be changed"
    fix = "Create a custom role with the permissions that you need."


class GrantExceedsOwn(InsufficientRole):
    code = "grant_exceeds_own"
    title = "Nobody grants what they lack"
    fix = "Ask somebody who holds the permissions named in `required`."


class OwnerRequired(InsufficientRole):
    code = "owner_required"
    title = "Only an owner decides about owners"
    fix = "Ask an owner to make this change."


class InUse(Conflict):
    code = "in_use"
    title = "Something still uses this"
    fix = "End what uses it first: `detail` names it."


class ControlPlaneFixed(Conflict):
    code = "control_plane_fixed"
    title = "The tenant's own API cannot be changed"
    fix = "Create an API resource of your own."


class GivenByGroup(Conflict):
    code = "given_by_group"
    title = "A group gives this role"
    fix = "Take the member out of the group that `group` names, or the role from the group."


class OwnersAreNamed(Conflict):
    code = "owners_are_named"
    title = "No group owns anything"
    fix = "Make each owner by name: assign the role to the member."
