"""Shapes of roles, assignments, API resources and scopes at the API's edge."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core import ids, jose
from core.api.dialects import DIALECTS
from core.api.fields import Body, Flag, Integer, Metadata, PublicId, Shape, Text, Timestamp
from core.api.lists import ListQuery, QueryFlag, SearchQuery, Words
from core.token_binding import TokenBinding
from identity.assurance import DEMANDS
from organizations.models import Organization
from roles import scope_import, selectors
from roles.addresses import metadata_address
from roles.models import ApiResource, Role, RoleAssignment, Scope


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
    required_factor = serializers.CharField()
    is_built_in = serializers.BooleanField()
    organization = OrganizationId()

    def get_permissions(self, role: Role) -> list[str]:
        return sorted(selectors.granted(role))


class RoleQuery(SearchQuery):
    filters: ClassVar[dict[str, str]] = {"organization": "organization_id", "built_in": "is_built_in"}

    organization = PublicId(Organization.PREFIX, required=False)
    built_in = QueryFlag(required=False)


class RoleBody(Body):
    name = Text(64)
    description = Text(300, required=False, allow_blank=True)
    permissions = serializers.ListField(child=Text(80), max_length=100)
    required_factor = serializers.ChoiceField(list(DEMANDS), required=False)
    metadata = Metadata(required=False)


class TenantRoleBody(RoleBody):
    organization = PublicId(Organization.PREFIX, required=False)


class RolePatch(Body):
    name = Text(64)
    description = Text(300, allow_blank=True)
    permissions = serializers.ListField(child=Text(80), max_length=100)
    required_factor = serializers.ChoiceField(list(DEMANDS))
    metadata = Metadata()


class AssignmentShape(Shape):
    object_name = "role_assignment"

    organization = OrganizationId()
    expires_at = Timestamp()

    def to_representation(self, row: RoleAssignment) -> dict[str, Any]:
        whole = super().to_representation(row)
        whole["role"] = {"id": row.role.public_id, "object": "role", "name": row.role.name}
        whole["member"] = row.member.subject
        group = row.group
        whole["group"] = group and {"id": group.public_id, "object": "group", "name": group.name}
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
    documentation_url = serializers.CharField()
    accepted_token_types = serializers.DictField()
    id_token_clients = serializers.ListField(child=serializers.CharField())
    error_dialect = serializers.CharField()
    token_binding = serializers.CharField()
    key_prefix = serializers.CharField()
    acr_values = serializers.ListField(child=serializers.CharField())
    max_age = serializers.IntegerField(allow_null=True)
    claim_mapping = serializers.ListField(child=serializers.DictField())
    resource_metadata = serializers.SerializerMethodField()

    def get_resource_metadata(self, row: ApiResource) -> str:
        return metadata_address(self.context["call"].caller.tenant_slug, row)


class ResourceQuery(SearchQuery):
    filters: ClassVar[dict[str, str]] = {
        "audience": "audience",
        "signing_alg": "signing_alg__in",
        "error_dialect": "error_dialect__in",
    }

    audience = Text(300, required=False)
    signing_alg = Words(jose.ALGORITHMS)
    error_dialect = Words(DIALECTS)


def texts(longest: int, most: int, **options: Any) -> serializers.ListField:
    return serializers.ListField(child=Text(longest), max_length=most, required=False, **options)


class ResourcePatch(Body):
    """Settings of an API resource; `token_lifetime` and `max_age` in seconds."""

    name = Text(120)
    token_lifetime = Integer(min_value=60, max_value=86_400, required=False, allow_null=True)
    signing_alg = serializers.ChoiceField(jose.ALGORITHMS, required=False)
    documentation_url = Text(500, required=False, allow_blank=True)
    accepted_token_types = serializers.DictField(
        child=serializers.ListField(child=Text(20), max_length=2), required=False
    )
    id_token_clients = texts(255, 50)
    error_dialect = serializers.ChoiceField(DIALECTS, required=False)
    token_binding = serializers.ChoiceField([word.value for word in TokenBinding], required=False)
    key_prefix = Text(24, required=False, allow_blank=True)
    acr_values = texts(120, 10)
    max_age = Integer(min_value=0, required=False, allow_null=True)
    claim_mapping = serializers.ListField(child=serializers.DictField(), max_length=20, required=False)
    metadata = Metadata(required=False)


class ResourceBody(ResourcePatch):
    audience = Text(300)


class ScopeShape(Shape):
    object_name = "scope"

    value = serializers.CharField()
    description = serializers.CharField()
    bundles = serializers.ListField(child=serializers.CharField())
    features = serializers.ListField(child=serializers.CharField())

    def to_representation(self, scope: Scope) -> dict[str, Any]:
        whole = super().to_representation(scope)
        whole["resource"] = ids.encode("rs", scope.resource_id)
        return whole


class ScopeQuery(SearchQuery):
    filters: ClassVar[dict[str, str]] = {"feature": "features__contains"}

    feature = Text(80, required=False)


class ScopePatch(Body):
    description = Text(300, required=False, allow_blank=True)
    bundles = texts(120, 200)
    features = texts(80, 20)


class ScopeBody(ScopePatch):
    value = Text(120)


class ScopeImportBody(Body):
    """`content` is the text of a JSON, CSV or plain file."""

    content = Text(scope_import.LONGEST, multiline=True)
    format = serializers.ChoiceField(scope_import.FORMATS, required=False, default="auto")
    dry_run = Flag(required=False, default=False)


class ScopeImportShape(serializers.Serializer):
    object = serializers.CharField(default="scope_import")
    dry_run = serializers.BooleanField()
    created = serializers.ListField(child=serializers.CharField())
    updated = serializers.ListField(child=serializers.CharField())
    unchanged = serializers.ListField(child=serializers.CharField())
