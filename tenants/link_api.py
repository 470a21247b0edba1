"""`/v1/members/{member}/linked-subjects`: who a member is in other tenants, as far as they said so (TEN-16)."""

from __future__ import annotations

from rest_framework import serializers

from core.api.endpoint import Answer, Call, Endpoint, operation
from core.api.fields import Shape, Timestamp
from core.api.lists import ListQuery, paginate
from tenants import links, selectors
from tenants.models import LinkedSubject


class LinkedSubjectShape(Shape):
    """An identifier of issuer and subject (RFC 9493 §3.2.3). Only the person makes one and takes it back."""

    object_name = "linked_subject"

    format = serializers.SerializerMethodField()
    iss = serializers.SerializerMethodField()
    sub = serializers.CharField(source="subject")
    linked_at = Timestamp(source="created_at")

    def get_format(self, row: LinkedSubject) -> str:
        return "iss_sub"

    def get_iss(self, row: LinkedSubject) -> str:
        return links.identifier(row)["iss"]


class LinkedSubjects(Endpoint):
    @operation(
        scope="members:read",
        query=ListQuery,
        answer=LinkedSubjectShape,
        many=True,
        summary="List a member's subjects in other tenants that the person has linked",
        tags=("members",),
    )
    def get(self, call: Call) -> Answer:
        member = selectors.member_by_subject(call.path["member"])
        return paginate(call, links.linked_subjects(member.id), LinkedSubjectShape)
