"""`/v1/members/{member}/test-tokens`: tokens of a person for automated tests, in test tenants (AUT-22)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from core.api.endpoint import Call, Endpoint, operation
from core.api.fields import Body, PublicId, Text
from oauth import rehearsal
from organizations import selectors as organizations
from organizations.models import Organization
from roles.permissions import Permission
from tenants import selectors


class TestTokenBody(Body):
    """`scopes` are those that the application would ask for; `organization_id` the one to be active."""

    client_id = Text(255)
    scopes = serializers.ListField(child=Text(120), min_length=1, max_length=100)
    resource = Text(300, required=False)
    organization_id = PublicId(Organization.PREFIX, required=False)
    nonce = Text(200, required=False)


class TestTokenShape(serializers.Serializer):
    object = serializers.CharField()
    access_token = serializers.CharField(allow_null=True)
    id_token = serializers.CharField(allow_null=True)
    token_type = serializers.CharField()
    expires_in = serializers.IntegerField()
    scope = serializers.CharField()


class TestTokens(Endpoint):
    @operation(
        scope=Permission.MEMBERS_WRITE,
        body=TestTokenBody,
        answer=TestTokenShape,
        status=201,
        secrets=("access_token", "id_token"),
        summary="Issue tokens of a member for automated tests; in test tenants only",
        tags=("members",),
    )
    def post(self, call: Call) -> dict[str, Any]:
        member = selectors.member_by_subject(call.path["member"])
        wanted = dict(call.body)
        named = wanted.pop("organization_id", None)
        made = rehearsal.issue_test_tokens(
            actor=call.caller,
            member=member,
            organization=organizations.organization(named) if named else None,
            **wanted,
        )
        return {
            "object": "test_token",
            "access_token": made.access_token,
            "id_token": made.id_token or None,
            "token_type": "Bearer",
            "expires_in": made.expires_in,
            "scope": made.scope,
        }
