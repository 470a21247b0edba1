"""Shapes of groups, who is in them and what they give, at the API's edge."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from core.api.fields import Body, Metadata, PublicId, Shape, Text
from core.api.lists import ListQuery, SearchQuery
from organizations.models import Organization
from roles.models import GroupMember, GroupRole, Role
from roles.serializers import OrganizationId


class GroupShape(Shape):
    object_name = "group"

    name = serializers.CharField()
    description = serializers.CharField()
    external_id = serializers.CharField(allow_null=True)
    organization = OrganizationId()


class ListedGroupShape(GroupShape):
    member_count = serializers.IntegerField()
    role_count = serializers.IntegerField()


class GroupQuery(SearchQuery):
    """`member` is a subject: the groups that they are in; `role` is an id: the groups that give it."""

    filters: ClassVar[dict[str, str]] = {"organization": "organization_id", "external_id": "external_id"}

    organization = PublicId(Organization.PREFIX, required=False)
    external_id = Text(200, required=False)
    member = Text(120, required=False)
    role = PublicId(Role.PREFIX, required=False)


class GroupPatch(Body):
    name = Text(120)
    description = Text(300, allow_blank=True)
    external_id = Text(200, allow_null=True)
    metadata = Metadata()


class GroupBody(Body):
    name = Text(120)
    description = Text(300, required=False, allow_blank=True)
    external_id = Text(200, required=False, allow_null=True)
    organization = PublicId(Organization.PREFIX, required=False, allow_null=True)
    metadata = Metadata(required=False)


class GroupMemberShape(Shape):
    """`sources`: `manual`, and ids of what else put the member in."""

    object_name = "group_member"

    sources = serializers.ListField(child=serializers.CharField())

    def to_representation(self, row: GroupMember) -> dict[str, Any]:
        whole = super().to_representation(row)
        member = row.member
        whole["group"] = row.group.public_id
        whole["member"] = {
            "id": member.subject,
            "object": "member",
            "name": member.name,
            "email": member.email,
        }
        return whole


class GroupRoleShape(Shape):
    object_name = "group_role"

    def to_representation(self, row: GroupRole) -> dict[str, Any]:
        whole = super().to_representation(row)
        whole["group"] = row.group.public_id
        whole["role"] = {"id": row.role.public_id, "object": "role", "name": row.role.name}
        return whole


class InGroupQuery(SearchQuery):
    pass


class GivenQuery(ListQuery):
    pass
