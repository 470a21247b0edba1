"""Shapes of roles, assignments, API resources and scopes at the API's edge."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core import ids
from core.api.fields import Body, Integer, Metadata, PublicId, Shape, Text, Timestamp
from core.api.lists import ListQuery, QueryFlag
from organizations.models import Organization
from roles import resources, selectors
from roles.models import Role, RoleAssignment, Scope


@extend_schema_field({"type": ["string", "null"]})
class OrganizationId(serializers.Field):
    """`organization_id` of a row as `org_…`, null for the tenant itself."""

    def __init__(self, **options: Any) -> None:
        super().__init__(read_only=True, source="organization_id", **options)

    def to_representation(self, value: Any) -> str | None:
        return ids.encode(Organization.PREFIX, value) if value else None


class RoleShape(Shape):
    object_name = "role"

    name = serializers.CharField()
    description = serializers.CharField()
    permissions = serializers.SerializerMethodField()
    is_built_in = serializers.BooleanField()
    organization = OrganizationId()

    def get_permissions(self, role: Role) -> list[str]:
        return sorted(selectors.granted(role))


class RoleQuery(ListQuery):
    filters: ClassVar[dict[str, str]] = {"organization": "organization_id", "built_in": "is_built_in"}

    organization = PublicId(Organization.PREFIX, required=False)
    built_in = QueryFlag(required=False)


class RoleBody(Body):
    name = Text(64)
    description = Text(300, required=False, allow_blank=True)
    permissions = serializers.ListField(child=Text(80), max_length=100)
    metadata = Metadata(required=False)


class TenantRoleBody(RoleBody):
    organization = PublicId(Organization.PREFIX, required=False)


class RolePatch(Body):
    name = Text(64)
    description = Text(300, allow_blank=True)
    permissions = serializers.ListField(child=Text(80), max_length=100)
    metadata = Metadata(allow_null=True)

    def validate_metadata(self, value: dict[str, str] | None) -> dict[str, str]:
        return value or {}


class AssignmentShape(Shape):
    object_name = "role_assignment"

    organization = OrganizationId()
    expires_at = Timestamp()

    def to_representation(self, row: RoleAssignment) -> dict[str, Any]:
        whole = super().to_representation(row)
        whole["role"] = {"id": row.role.public_id, "object": "role", "name": row.role.name}
        whole["member"] = row.member.subject
        return whole


class AssignmentQuery(ListQuery):
    filters: ClassVar[dict[str, str]] = {"organization": "organization_id"}

    organization = PublicId(Organization.PREFIX, required=False)


class OrganizationAssignmentBody(Body):
    role = PublicId(Role.PREFIX)
    expires_at = Timestamp(required=False, allow_null=True)


class AssignmentBody(OrganizationAssignmentBody):
    organization = PublicId(Organization.PREFIX, required=False, allow_null=True)


class ResourceShape(Shape):
    object_name = "api_resource"

    audience = serializers.CharField()
    name = serializers.CharField()
    is_control_plane = serializers.BooleanField()
    token_lifetime = serializers.IntegerField(allow_null=True)
    signing_alg = serializers.CharField()


class ResourceQuery(ListQuery):
    filters: ClassVar[dict[str, str]] = {"audience": "audience"}

    audience = Text(300, required=False)


class ResourceBody(Body):
    audience = Text(300)
    name = Text(120)
    token_lifetime = Integer(min_value=60, max_value=86_400, required=False, allow_null=True)
    signing_alg = serializers.ChoiceField(resources.ALGORITHMS, required=False)
    metadata = Metadata(required=False)


class ResourcePatch(Body):
    name = Text(120)
    token_lifetime = Integer(min_value=60, max_value=86_400, allow_null=True)
    signing_alg = serializers.ChoiceField(resources.ALGORITHMS)
    metadata = Metadata(allow_null=True)

    def validate_metadata(self, value: dict[str, str] | None) -> dict[str, str]:
        return value or {}


class ScopeShape(Shape):
    object_name = "scope"

    value = serializers.CharField()
    description = serializers.CharField()

    def to_representation(self, scope: Scope) -> dict[str, Any]:
        whole = super().to_representation(scope)
        whole["resource"] = ids.encode("rs", scope.resource_id)
        return whole


class ScopeBody(Body):
    value = Text(120)
    description = Text(300, required=False, allow_blank=True)


class ScopePatch(Body):
    description = Text(300, allow_blank=True)
