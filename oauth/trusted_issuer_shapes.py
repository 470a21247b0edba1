"""What `/v1/trusted-issuers` takes and answers."""

from __future__ import annotations

from typing import ClassVar

from rest_framework import serializers

from core import ids
from core.api.fields import Body, Flag, Metadata, PublicId, Shape, Text, Timestamp
from core.api.lists import SearchQuery, Words
from oauth.models import TrustedIssuer
from oauth.models.trusted_issuers import Preset
from organizations.models import Organization

LONGEST_TOKEN = 16_384


def pairs() -> serializers.DictField:
    return serializers.DictField(child=Text(300, allow_blank=True), required=False)


class TrustedIssuerPatch(Body):
    """`claims` maps subject, email, name, organization and roles to the issuer's names for them."""

    name = Text(120)
    audiences = serializers.ListField(child=Text(300), max_length=50, required=False)
    jwks_uri = Text(500, allow_blank=True, required=False)
    algorithms = serializers.ListField(child=Text(8), max_length=10, required=False)
    claims = pairs()
    required_claims = pairs()
    roles = pairs()
    create_members = Flag(required=False)
    trust_email = Flag(required=False)
    takes_id_tokens = Flag(required=False)
    metadata = Metadata(required=False)


class TrustedIssuerBody(TrustedIssuerPatch):
    preset = serializers.ChoiceField(Preset.choices, required=False)
    issuer = Text(500)
    organization = PublicId(Organization.PREFIX, required=False, allow_null=True)


class TrustedIssuerShape(Shape):
    object_name = "trusted_issuer"

    name = serializers.CharField()
    preset = serializers.ChoiceField(Preset.choices)
    issuer = serializers.CharField()
    status = serializers.CharField()
    organization = serializers.SerializerMethodField()
    audiences = serializers.ListField(child=serializers.CharField())
    jwks_uri = serializers.CharField()
    algorithms = serializers.ListField(child=serializers.CharField())
    claims = serializers.DictField(child=serializers.CharField())
    required_claims = serializers.DictField(child=serializers.CharField())
    roles = serializers.DictField(child=serializers.CharField())
    create_members = serializers.BooleanField()
    trust_email = serializers.BooleanField()
    takes_id_tokens = serializers.BooleanField()
    checked_at = Timestamp()

    def get_organization(self, row: TrustedIssuer) -> str | None:
        return ids.encode(Organization.PREFIX, row.organization_id) if row.organization_id else None


class TrustedIssuerQuery(SearchQuery):
    filters: ClassVar[dict[str, str]] = {
        "preset": "preset__in",
        "issuer": "issuer",
        "q": "name__istartswith",
    }

    preset = Words(Preset.values)
    issuer = Text(500, required=False)


class ExternalIdentityShape(Shape):
    object_name = "external_identity"

    subject = serializers.CharField()
    issuer = serializers.CharField(source="trusted_issuer.issuer")
    trusted_issuer = serializers.CharField(source="trusted_issuer.public_id")
    member = serializers.CharField(source="member.subject")


class TrustedIssuerTestBody(Body):
    """`subject_token` is an ID token of the issuer, to see what it would come to; it is not stored."""

    subject_token = Text(LONGEST_TOKEN, required=False)


class ExternalIdentityBody(Body):
    subject_token = Text(LONGEST_TOKEN)


class TrustedIssuerKeyShape(serializers.Serializer):
    kid = serializers.CharField(allow_null=True)
    alg = serializers.CharField()


class TrustedIssuerTestShape(serializers.Serializer):
    object = serializers.CharField()
    reachable = serializers.BooleanField()
    keys = TrustedIssuerKeyShape(many=True)
    token = serializers.DictField(allow_null=True)
