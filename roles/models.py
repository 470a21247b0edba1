"""Roles and who has them, groups that give them; API resources and their scopes."""

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
    required_factor = models.CharField(max_length=16, default="any")  # see identity.assurance.DEMANDS
    metadata = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant_id", "organization", "name"], name="roles_role_name", nulls_distinct=False
            ),
        ]


class Group(TenantModel):
    """Members who belong together, such as a department; with `organization` it is that organization's own.

    Whoever is in it has its roles (GroupRole), as assignments that name the group. `external_id` is what an
    outside directory calls it.
    """

    PREFIX = "grp"

    organization = TenantForeignKey(Organization, null=True)
    name = models.CharField(max_length=120)
    name_search = models.CharField(max_length=360)
    description = models.CharField(max_length=300, blank=True)
    external_id = models.CharField(max_length=200, null=True)
    metadata = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant_id", "organization", "name_search"],
                name="roles_group_name",
                nulls_distinct=False,
            ),
            models.UniqueConstraint(
                fields=["tenant_id", "organization", "external_id"],
                condition=models.Q(external_id__isnull=False),
                name="roles_group_external_id",
                nulls_distinct=False,
            ),
        ]


class GroupMember(TenantModel):
    """A member is in a group, by hand or by outside directories; `sources` says by which of them.

    `organization` repeats the group's, for row security.
    """

    PREFIX = "gmem"

    group = TenantForeignKey(Group)
    member = TenantForeignKey(Member)
    organization = TenantForeignKey(Organization, null=True)
    sources = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "group", "member"], name="roles_group_member_once"),
        ]


class GroupRole(TenantModel):
    """Whoever is in the group has the role, where the group is: in the tenant or in its organization."""

    PREFIX = "grole"

    group = TenantForeignKey(Group)
    role = TenantForeignKey(Role)
    organization = TenantForeignKey(Organization, null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "group", "role"], name="roles_group_role_once"),
        ]


class RoleAssignment(TenantModel):
    """A member has a role in the tenant (`organization` null) or in one organization.

    With `group` it is that group which gives it, and takes it again; without, somebody gave it to the member.
    """

    PREFIX = "rasg"

    member = TenantForeignKey(Member)
    role = TenantForeignKey(Role)
    organization = TenantForeignKey(Organization, null=True)
    group = TenantForeignKey(Group, null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant_id", "member", "role", "organization", "group"],
                name="roles_assignment_once",
                nulls_distinct=False,
            ),
        ]
        indexes = [models.Index(fields=["tenant_id", "role"], name="roles_assignment_role")]


class ApiResource(TenantModel):
    """An audience with scopes (a resource server). The tenant's own `/v1` is one, `is_control_plane`.

    `accepted_token_types` holds a list by subject type; without one, access tokens. `acr_values` (any of
    them) and `max_age` in seconds are the sign-in that it asks of people (RFC 9470).
    """

    PREFIX = "rs"

    audience = models.CharField(max_length=300)
    name = models.CharField(max_length=120)
    is_control_plane = models.BooleanField(default=False)
    token_lifetime = models.PositiveIntegerField(null=True)
    signing_alg = models.CharField(max_length=8, default="ES256")
    documentation_url = models.URLField(max_length=500, blank=True)
    accepted_token_types = models.JSONField(default=dict)
    id_token_clients = models.JSONField(default=list)  # client ids whose ID tokens count
    error_dialect = models.CharField(max_length=8, default="problem")
    token_binding = models.CharField(max_length=12, default="none")  # see core.token_binding
    key_prefix = models.CharField(max_length=24, blank=True)  # of API keys to it; empty: sk_live_, sk_test_
    acr_values = models.JSONField(default=list)
    max_age = models.PositiveIntegerField(null=True)
    claim_mapping = models.JSONField(default=list)  # see roles.claim_mapping
    metadata = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "audience"], name="roles_resource_audience"),
        ]


class Scope(TenantModel):
    """A scope of one API resource, compared as a whole token (decision C6).

    A bundle stands for the scopes in `bundles` and is never in a token itself; a value that ends in `:*`
    stands for every native scope with that beginning. `features` names what uses the scope.
    """

    PREFIX = "scp"

    resource = TenantForeignKey(ApiResource, related_name="+")
    value = models.CharField(max_length=120)
    description = models.CharField(max_length=300, blank=True)
    bundles = models.JSONField(default=list)
    features = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "resource", "value"], name="roles_scope_value"),
        ]
