"""Roles and who has them; API resources and their scopes."""

from __future__ import annotations

from django.db import models

from core.models import TenantForeignKey, TenantModel
from organizations.models import Organization
from tenants.models import Member


class Role(TenantModel):
    """A named set of permissions. `organization` confines a custom role to one organization.

    Built-in roles are rows too (`is_built_in`), made with the tenant, and cannot be changed.
    """

    PREFIX = "role"

    organization = TenantForeignKey(Organization, null=True)
    name = models.CharField(max_length=64)
    description = models.CharField(max_length=300, blank=True)
    permissions = models.JSONField(default=list)
    is_built_in = models.BooleanField(default=False)
    metadata = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant_id", "organization", "name"], name="roles_role_name", nulls_distinct=False
            ),
        ]


class RoleAssignment(TenantModel):
    """A member has a role in the tenant (`organization` null) or in one organization."""

    PREFIX = "rasg"

    member = TenantForeignKey(Member)
    role = TenantForeignKey(Role)
    organization = TenantForeignKey(Organization, null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant_id", "member", "role", "organization"],
                name="roles_assignment_once",
                nulls_distinct=False,
            ),
        ]
        indexes = [models.Index(fields=["tenant_id", "role"], name="roles_assignment_role")]


class ApiResource(TenantModel):
    """An audience with scopes (a resource server). The tenant's own `/v1` is one, `is_control_plane`."""

    PREFIX = "rs"

    audience = models.CharField(max_length=300)
    name = models.CharField(max_length=120)
    is_control_plane = models.BooleanField(default=False)
    token_lifetime = models.PositiveIntegerField(null=True)
    signing_alg = models.CharField(max_length=8, default="ES256")
    metadata = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "audience"], name="roles_resource_audience"),
        ]


class Scope(TenantModel):
    """A scope of one API resource, compared as a whole token (decision C6)."""

    PREFIX = "scp"

    resource = TenantForeignKey(ApiResource, related_name="+")
    value = models.CharField(max_length=120)
    description = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "resource", "value"], name="roles_scope_value"),
        ]
