"""Events of the roles app."""

from __future__ import annotations

from events.registry import Schema, declare

STRINGS: Schema = {"type": "array", "items": {"type": "string"}}
ROLE: dict[str, Schema | str] = {
    "name": "string",
    "description": "string",
    "permissions": {"type": "array", "items": {"type": "string"}},
    "required_factor": "string",
    "organization": {"type": ["string", "null"]},
    "metadata": "object",
}
ASSIGNMENT: dict[str, Schema | str] = {
    "role": "string",
    "role_id": "string",
    "member": "string",
    "organization": {"type": ["string", "null"]},
    "group": {"type": ["string", "null"]},
    "expires_at": {"type": ["string", "null"]},
}
GROUP: dict[str, Schema | str] = {
    "name": "string",
    "description": "string",
    "external_id": {"type": ["string", "null"]},
    "organization": {"type": ["string", "null"]},
    "metadata": "object",
}
NAMED_GROUP: dict[str, Schema | str] = {"name": "string", "organization": {"type": ["string", "null"]}}
IN_GROUP: dict[str, Schema | str] = {**NAMED_GROUP, "member": "string"}
GIVEN: dict[str, Schema | str] = {**NAMED_GROUP, "role": "string", "role_id": "string"}
ADMINISTRATOR: dict[str, Schema | str] = {
    "roles": {"type": "array", "items": {"type": "string", "enum": ["owner", "admin"]}},
}
RESOURCE: dict[str, Schema | str] = {
    "name": "string",
    "audience": "string",
    "signing_alg": "string",
    "lifetime": {"type": ["integer", "null"]},
    "documentation_url": "string",
    "accepted_token_types": "object",
    "id_token_clients": STRINGS,
    "error_dialect": "string",
    "token_binding": "string",
    "key_prefix": "string",
    "acr_values": STRINGS,
    "max_age": {"type": ["integer", "null"]},
    "claim_mapping": {"type": "array", "items": {"type": "object"}},
    "metadata": "object",
}
SCOPE: dict[str, Schema | str] = {
    "value": "string",
    "description": "string",
    "bundles": STRINGS,
    "features": STRINGS,
    "resource": "string",
}

declare("role.created", "A custom role was created", object="role", fields=ROLE)
declare("role.updated", "A custom role was changed", object="role", fields=ROLE)
declare("role.deleted", "A custom role was deleted and taken from everybody", object="role", fields=ROLE)
declare("role.assigned", "A member was given a role", object="role_assignment", fields=ASSIGNMENT)
declare("role.unassigned", "A role was taken from a member", object="role_assignment", fields=ASSIGNMENT)
declare("group.created", "A group was created", object="group", fields=GROUP)
declare("group.updated", "A group was changed", object="group", fields=GROUP)
declare("group.deleted", "A group was deleted, and nobody is in it any more", object="group", fields=GROUP)
declare(
    "group.member_added",
    "A member was put into a group",
    object="group",
    fields={**IN_GROUP, "source": "string"},
)
declare("group.member_removed", "A member was taken out of a group", object="group", fields=IN_GROUP)
declare(
    "group.role_added",
    "A group gives a role to everybody in it",
    object="group",
    fields=GIVEN,
)
declare("group.role_removed", "A group gives a role no more", object="group", fields=GIVEN)
declare(
    "organization.member.role_changed",
    "The roles of a member in an organization changed",
    object="membership",
    fields={"member": "string", "organization": "string", "roles": STRINGS},
)
declare(
    "tenant.admin.added",
    "A member became an administrator of the tenant",
    object="member",
    fields=ADMINISTRATOR,
)
declare(
    "tenant.admin.role_changed",
    "An administrator of the tenant became its owner, or ceased to be",
    object="member",
    fields=ADMINISTRATOR,
)
declare(
    "tenant.admin.removed",
    "A member is no longer an administrator of the tenant",
    object="member",
    fields=ADMINISTRATOR,
)
declare("resource_server.created", "An API resource was created", object="api_resource", fields=RESOURCE)
declare("resource_server.updated", "An API resource was changed", object="api_resource", fields=RESOURCE)
declare("resource_server.deleted", "An API resource was deleted", object="api_resource", fields=RESOURCE)
declare("scope.created", "A scope was added to an API resource", object="scope", fields=SCOPE)
declare("scope.updated", "What is said of a scope was changed", object="scope", fields=SCOPE)
declare("scope.deleted", "A scope was deleted", object="scope", fields=SCOPE)
