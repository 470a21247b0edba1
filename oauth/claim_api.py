"""`…/claim-previews`: what the claim mapping of an application or API says of one member."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from core.api.endpoint import Call, Endpoint, operation
from core.api.fields import Body, PublicId, Text
from oauth import applications
from oauth.models import Application
from organizations.models import Organization
from roles import claim_mapping, claim_preview
from roles import selectors as role_selectors
from roles.models import ApiResource
from roles.permissions import Permission
from tenants.selectors import member_by_subject


class ClaimPreviewBody(Body):
    """`member` is a subject; `scopes` are those that the token would have."""

    member = Text(120)
    organization = PublicId(Organization.PREFIX, required=False, allow_null=True)
    scopes = serializers.ListField(child=Text(120), max_length=100, required=False)


class ClaimPreviewShape(serializers.Serializer):
    object = serializers.CharField(default="claim_preview")
    access_token = serializers.DictField(required=False)
    id_token = serializers.DictField(required=False)


def answer(call: Call, rules: list[dict[str, Any]], tokens: tuple[str, ...]) -> dict[str, Any]:
    made = claim_preview.preview(
        actor=call.caller,
        rules=rules,
        member=member_by_subject(call.body["member"]),
        tokens=tokens,
        organization_id=call.body.get("organization"),
        scopes=call.body.get("scopes", ()),
    )
    return {"object": "claim_preview", **made}


class ApplicationClaimPreviews(Endpoint):
    ids_in_path = {"application": Application.PREFIX}

    @operation(
        scope=Permission.APPLICATIONS_READ,
        body=ClaimPreviewBody,
        answer=ClaimPreviewShape,
        summary="Preview the mapped claims of an application's tokens",
        tags=("Applications",),
    )
    def post(self, call: Call) -> dict[str, Any]:
        row = applications.application(call.path["application"])
        return answer(call, row.claim_mapping, claim_mapping.TOKENS)


class ResourceClaimPreviews(Endpoint):
    ids_in_path = {"resource": ApiResource.PREFIX}

    @operation(
        scope=Permission.ROLES_READ,
        body=ClaimPreviewBody,
        answer=ClaimPreviewShape,
        summary="Preview the mapped claims of an API's access tokens",
        tags=("api resources",),
    )
    def post(self, call: Call) -> dict[str, Any]:
        row = role_selectors.api_resource(call.path["resource"])
        return answer(call, row.claim_mapping, (claim_mapping.ACCESS,))
