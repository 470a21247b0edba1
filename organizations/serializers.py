"""Shapes of organizations and memberships at the API's edge."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from core.api.fields import Body, Integer, Metadata, Shape, Text, Timestamp
from core.api.lists import SearchQuery, Words
from identity import methods
from identity.assurance import DEMANDS
from organizations.models import Membership, Organization, OrganizationStatus
from tenants.models import MemberStatus
from tenants.serializers import member_of

SETTABLE = [OrganizationStatus.ACTIVE.value, OrganizationStatus.SUSPENDED.value]
PRESENT = [status.value for status in MemberStatus if status != MemberStatus.REMOVED]


class PolicyField(Body):
    """What an organization decides for its own people; times in seconds. Null leaves it to the tenant."""

    session_idle = Integer(min_value=60, max_value=30 * 86_400, required=False, allow_null=True)
    sign_in_methods = serializers.ListField(
        child=serializers.ChoiceField(methods.METHODS),
        min_length=1,
        max_length=20,
        required=False,
        allow_null=True,
    )
    member_factor = serializers.ChoiceField(list(DEMANDS), required=False, allow_null=True)


class OrganizationShape(Shape):
    object_name = "organization"

    name = serializers.CharField()
    slug = serializers.CharField()
    external_id = serializers.CharField(allow_null=True)
    status = serializers.CharField()
    policy = serializers.JSONField()


class ListedOrganizationShape(OrganizationShape):
    member_count = serializers.IntegerField()


class OrganizationQuery(SearchQuery):
    filters: ClassVar[dict[str, str]] = {"status": "status__in", "external_id": "external_id"}

    status = Words(SETTABLE)
    external_id = Text(120, required=False)


class OrganizationBody(Body):
    name = Text(120)
    slug = Text(63, required=False)
    external_id = Text(120, required=False, allow_null=True)
    policy = PolicyField(required=False)
    metadata = Metadata(required=False)


class OrganizationPatch(Body):
    name = Text(120)
    slug = Text(63)
    external_id = Text(120, allow_null=True)
    status = serializers.ChoiceField(SETTABLE)
    policy = PolicyField(allow_null=True)
    metadata = Metadata()


class MembershipShape(Shape):
    object_name = "membership"

    joined_at = Timestamp()

    def to_representation(self, membership: Membership) -> dict[str, Any]:
        whole = super().to_representation(membership)
        whole["organization"] = Organization(id=membership.organization_id).public_id
        whole["member"] = member_of(membership.member, self.context.get("mode", ""))
        return whole


class MembershipQuery(SearchQuery):
    filters: ClassVar[dict[str, str]] = {"status": "member__status__in"}

    status = Words(PRESENT)


class MembershipBody(Body):
    member = Text(120)
