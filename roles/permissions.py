"""The closed vocabulary of our own `/v1` (decision C6) and the built-in roles (C16).

One word serves as scope and permission: a token or key carries it as a scope, a role grants it, and a
caller may do what both allow.
"""

from __future__ import annotations

from enum import StrEnum


class Permission(StrEnum):
    API_KEYS_READ = "api-keys:read"
    API_KEYS_WRITE = "api-keys:write"
    APPLICATIONS_READ = "applications:read"
    APPLICATIONS_WRITE = "applications:write"
    AUDIT_READ = "audit:read"
    EVENTS_READ = "events:read"
    GROUPS_READ = "groups:read"
    GROUPS_WRITE = "groups:write"
    INVITATIONS_READ = "invitations:read"
    INVITATIONS_WRITE = "invitations:write"
    MEMBERS_READ = "members:read"
    MEMBERS_WRITE = "members:write"
    ORGANIZATIONS_READ = "organizations:read"
    ORGANIZATIONS_WRITE = "organizations:write"
    POLICIES_READ = "policies:read"
    POLICIES_WRITE = "policies:write"
    ROLES_READ = "roles:read"
    ROLES_WRITE = "roles:write"
    TENANT_READ = "tenant:read"
    TENANT_WRITE = "tenant:write"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"


DESCRIPTIONS: dict[Permission, str] = {
    Permission.API_KEYS_READ: "See service accounts and API keys, never their secrets",
    Permission.API_KEYS_WRITE: "Create, rotate and revoke API keys and service accounts",
    Permission.APPLICATIONS_READ: "See applications and their settings",
    Permission.APPLICATIONS_WRITE: "Register, change and disable applications",
    Permission.AUDIT_READ: "Read and verify the audit log",
    Permission.EVENTS_READ: "Read the event stream",
    Permission.GROUPS_READ: "See groups, who is in them and what roles they give",
    Permission.GROUPS_WRITE: "Create, change and delete groups, and say who is in them",
    Permission.INVITATIONS_READ: "See invitations",
    Permission.INVITATIONS_WRITE: "Invite people, resend and revoke invitations",
    Permission.MEMBERS_READ: "See members and what they agreed to share",
    Permission.MEMBERS_WRITE: "Create, change, suspend and remove members",
    Permission.ORGANIZATIONS_READ: "See organizations and who belongs to them",
    Permission.ORGANIZATIONS_WRITE: "Create, change and delete organizations and memberships",
    Permission.POLICIES_READ: "See policies",
    Permission.POLICIES_WRITE: "Change policies",
    Permission.ROLES_READ: "See roles, scopes and API resources",
    Permission.ROLES_WRITE: "Change roles, scopes and API resources, and assign roles",
    Permission.TENANT_READ: "See the tenant's settings",
    Permission.TENANT_WRITE: "Change the tenant's settings and signing keys",
    Permission.WEBHOOKS_READ: "See webhook endpoints and deliveries",
    Permission.WEBHOOKS_WRITE: "Create, change, test and delete webhook endpoints",
}

ALL = frozenset(Permission)
READ = frozenset(permission for permission in Permission if permission.endswith(":read"))
# What an organization-level principal may ever hold: nothing that reaches beyond its organization.
ORGANIZATION = frozenset(
    {
        Permission.API_KEYS_READ,
        Permission.API_KEYS_WRITE,
        Permission.AUDIT_READ,
        Permission.EVENTS_READ,
        Permission.GROUPS_READ,
        Permission.GROUPS_WRITE,
        Permission.INVITATIONS_READ,
        Permission.INVITATIONS_WRITE,
        Permission.MEMBERS_READ,
        Permission.ORGANIZATIONS_READ,
        Permission.ORGANIZATIONS_WRITE,
        Permission.ROLES_READ,
    }
)

_P = Permission
BUILT_IN: dict[str, frozenset[Permission]] = {
    "owner": ALL,
    "admin": ALL,
    "security_admin": READ
    | {
        _P.POLICIES_WRITE,
        _P.API_KEYS_WRITE,
        _P.MEMBERS_WRITE,
        _P.WEBHOOKS_WRITE,
        _P.ROLES_WRITE,
        _P.GROUPS_WRITE,
    },
    "developer": frozenset(
        {
            _P.APPLICATIONS_READ,
            _P.APPLICATIONS_WRITE,
            _P.API_KEYS_READ,
            _P.API_KEYS_WRITE,
            _P.WEBHOOKS_READ,
            _P.WEBHOOKS_WRITE,
            _P.EVENTS_READ,
            _P.ROLES_READ,
            _P.TENANT_READ,
        }
    ),
    "billing_manager": frozenset({_P.TENANT_READ}),
    "support": frozenset(
        {
            _P.MEMBERS_READ,
            _P.MEMBERS_WRITE,
            _P.GROUPS_READ,
            _P.INVITATIONS_READ,
            _P.INVITATIONS_WRITE,
            _P.ORGANIZATIONS_READ,
            _P.TENANT_READ,
        }
    ),
    "auditor": READ,
    "viewer": READ - {_P.AUDIT_READ, _P.EVENTS_READ, _P.API_KEYS_READ},
}
