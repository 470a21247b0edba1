"""`/v1/applications/{id}/sample-tokens`: tokens of a member for tests, in test mode only (AUT-22)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from core.api.endpoint import Call, Endpoint, operation
from core.api.fields import Body, PublicId, Text
from oauth import sample_tokens
from oauth.api import TAGS, WRITE, named
from oauth.models import Application
from organizations.models import Organization
from tenants.selectors import member_by_subject


class SampleTokenBody(Body):
    """`member` is a subject, `scope` words with spaces between; without it all that the application may ask for."""

    member = Text(120)
    scope = Text(4000, required=False)
    resource = Text(300, required=False)
    organization = PublicId(Organization.PREFIX, required=False, allow_null=True)


class SampleTokenShape(serializers.Serializer):
    object = serializers.CharField(default="sample_token")
    access_token = serializers.CharField()
    token_type = serializers.CharField()
    expires_in = serializers.IntegerField()
    scope = serializers.CharField(allow_blank=True)
    id_token = serializers.CharField(required=False)


class SampleTokens(Endpoint):
    ids_in_path = {"application": Application.PREFIX}

    @operation(
        scope=WRITE,
        body=SampleTokenBody,
        answer=SampleTokenShape,
        status=201,
        secrets=("access_token", "id_token"),
        summary="Issue tokens of a member for tests, in test mode only; needs members:write too",
        tags=TAGS,
    )
    def post(self, call: Call) -> dict[str, Any]:
        body = sample_tokens.issue(
            actor=call.caller,
            application=named(call),
            member=member_by_subject(call.body["member"]),
            scope=call.body.get("scope", ""),
            resource=call.body.get("resource", ""),
            organization_id=call.body.get("organization"),
        )
        return {"object": "sample_token", **body}
