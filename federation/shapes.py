"""What `/v1/sso-connections` takes and answers."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from core import ids
from core.api.fields import Body, Flag, Metadata, PublicId, Shape, Text, Timestamp
from core.api.lists import ListQuery, SearchQuery, Words
from federation.models import ClientAuth, Connection, ConnectionStatus
from federation.provider import CHECKS
from organizations.models import Organization
from roles.models import Role


def pairs() -> serializers.DictField:
    return serializers.DictField(child=Text(500, allow_blank=True), required=False)


def words(longest: int) -> serializers.ListField:
    return serializers.ListField(child=Text(longest), max_length=30, required=False)


class ConnectionPatch(Body):
    """`attributes` maps email, name, given_name, family_name and groups to the provider's claims.

    `client_secret` is written only: it is never answered. `endpoints` come before the discovery document.
    """

    name = Text(120)
    client_id = Text(300)
    client_secret = Text(500, required=False)
    client_auth = serializers.ChoiceField(ClientAuth.choices, required=False)
    endpoints = pairs()
    algorithms = words(8)
    scopes = words(100)
    attributes = pairs()
    create_members = Flag(required=False)
    default_role = PublicId(Role.PREFIX, required=False, allow_null=True)
    trust_email = Flag(required=False)
    trust_mfa = Flag(required=False)
    metadata = Metadata(required=False)


class ConnectionBody(ConnectionPatch):
    """Without `organization` it is for the whole tenant."""

    issuer = Text(500)
    organization = PublicId(Organization.PREFIX, required=False, allow_null=True)


class ConnectionShape(Shape):
    object_name = "sso_connection"

    name = serializers.CharField()
    organization = serializers.SerializerMethodField()
    issuer = serializers.CharField()
    client_id = serializers.CharField()
    client_auth = serializers.ChoiceField(ClientAuth.choices)
    redirect_uri = serializers.SerializerMethodField()
    endpoints = serializers.DictField(child=serializers.CharField())
    algorithms = serializers.ListField(child=serializers.CharField())
    scopes = serializers.ListField(child=serializers.CharField())
    attributes = serializers.DictField(child=serializers.CharField())
    status = serializers.ChoiceField(ConnectionStatus.choices)
    create_members = serializers.BooleanField()
    default_role = serializers.SerializerMethodField()
    trust_email = serializers.BooleanField()
    trust_mfa = serializers.BooleanField()
    enforced = serializers.BooleanField()
    tested_at = Timestamp(allow_null=True)

    def get_organization(self, row: Connection) -> str | None:
        return ids.encode(Organization.PREFIX, row.organization_id) if row.organization_id else None

    def get_default_role(self, row: Connection) -> str | None:
        return ids.encode(Role.PREFIX, row.default_role_id) if row.default_role_id else None

    def get_redirect_uri(self, row: Connection) -> str:
        return str(self.context["redirect_uri"])


class ConnectionQuery(SearchQuery):
    filters: ClassVar[dict[str, str]] = {
        "organization": "organization_id",
        "status": "status__in",
        "issuer": "issuer",
        "q": "name__istartswith",
    }

    organization = PublicId(Organization.PREFIX, required=False)
    status = Words(ConnectionStatus.values)
    issuer = Text(500, required=False)


class SwitchBody(Body):
    reason = Text(300, required=False, allow_blank=True)


class AttemptShape(Shape):
    """`failed` names the check that was not passed, null where all were; `claims` are those of a test sign-in."""

    object_name = "sso_attempt"

    connection = serializers.CharField(source="connection.public_id")
    is_test = serializers.BooleanField()
    failed = serializers.ChoiceField(CHECKS, allow_null=True)
    detail = serializers.CharField()
    member = serializers.CharField(allow_null=True)
    request_id = serializers.CharField()
    claims = serializers.DictField()

    def to_representation(self, instance: Any) -> dict[str, Any]:
        shown = super().to_representation(instance)
        return {**shown, "failed": instance.failed or None, "member": instance.member or None}


class AttemptQuery(ListQuery):
    filters: ClassVar[dict[str, str]] = {"failed": "failed__in"}

    failed = Words(CHECKS)


class UpstreamIdentityShape(Shape):
    object_name = "external_identity"

    subject = serializers.CharField()
    issuer = serializers.CharField(source="connection.issuer")
    connection = serializers.CharField(source="connection.public_id")
    member = serializers.CharField(source="member.subject")
    made_member = serializers.BooleanField()
    last_used_at = Timestamp(allow_null=True)


class ExemptionBody(Body):
    member = Text(120)
    reason = Text(300)


class ExemptionShape(Shape):
    object_name = "sso_exemption"

    connection = serializers.CharField(source="connection.public_id")
    member = serializers.CharField(source="member.subject")
    reason = serializers.CharField()


class DiscoveryShape(serializers.Serializer):
    """What the issuer's document says now, or that it cannot be used."""

    object = serializers.CharField()
    usable = serializers.BooleanField()
    endpoints = serializers.DictField(child=serializers.CharField())
    algorithms = serializers.ListField(child=serializers.CharField())


class TestSignInShape(serializers.Serializer):
    """`url` is for the caller's own browser, in which they are signed in, within `expires_in` seconds."""

    object = serializers.CharField()
    url = serializers.CharField()
    expires_in = serializers.IntegerField()
