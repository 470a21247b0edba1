"""The JSON forms of keys and service accounts."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apikeys.models import AccountStatus, ApiKey, KeyStatus
from core import ids
from core.api.fields import Body, Integer, Metadata, PublicId, Shape, Text, Timestamp
from core.api.lists import SearchQuery, Words


def scope_list(**options: Any) -> serializers.ListField:
    return serializers.ListField(child=Text(120), max_length=100, **options)


def not_both(attributes: dict[str, Any]) -> dict[str, Any]:
    if "expires_in" in attributes and "expires_at" in attributes:
        raise serializers.ValidationError({"expires_in": ["Send expires_in or expires_at, not both."]})
    return attributes


class KeyBody(Body):
    """`expires_in` (seconds) or `expires_at`, where null means never; neither gives 90 days."""

    name = Text(120)
    scopes = scope_list(allow_empty=False)
    resource_id = PublicId("rs", required=False)
    service_account_id = PublicId("sa", required=False, allow_null=True)
    organization_id = PublicId("org", required=False, allow_null=True)
    expires_in = Integer(required=False, min_value=60, max_value=100 * 365 * 86_400)
    expires_at = Timestamp(required=False, allow_null=True)
    metadata = Metadata(required=False)

    def validate(self, attributes: Any) -> Any:
        return not_both(attributes)


class RotationBody(Body):
    """`overlap_seconds`: how long the old key is still taken; a day when left out, 0 revokes it at once."""

    overlap_seconds = Integer(required=False, min_value=0, max_value=30 * 86_400)
    expires_in = Integer(required=False, min_value=60, max_value=100 * 365 * 86_400)
    expires_at = Timestamp(required=False, allow_null=True)
    reason = Text(200, required=False)

    def validate(self, attributes: Any) -> Any:
        return not_both(attributes)


class KeyQuery(SearchQuery):
    filters = {
        "q": "name__istartswith",
        "service_account": "service_account_id",
        "organization": "organization_id",
        "resource": "resource_id",
        "scope": "scopes__contains",
    }

    status = Words(KeyStatus.values)
    scope = Text(120, required=False)
    service_account = PublicId("sa", required=False)
    organization = PublicId("org", required=False)
    resource = PublicId("rs", required=False)


class KeyShape(Shape):
    object_name = "api_key"

    name = serializers.CharField()
    hint = serializers.CharField(help_text="The clear beginning of the key.")
    status = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    resource_id = PublicId("rs")
    audience = serializers.CharField(source="resource.audience")
    organization_id = PublicId("org", allow_null=True)
    service_account_id = PublicId("sa", allow_null=True)
    created_by = serializers.CharField()
    expires_at = Timestamp(allow_null=True)
    overlap_until = Timestamp(allow_null=True)
    revoked_at = Timestamp(allow_null=True)
    revoke_reason = serializers.CharField()
    last_used_at = Timestamp(allow_null=True)
    last_used_ip = serializers.CharField(allow_null=True)
    exposed_at = Timestamp(allow_null=True)
    rotated_from = serializers.SerializerMethodField()
    rotated_to = serializers.SerializerMethodField()

    def get_rotated_from(self, key: ApiKey) -> str | None:
        return ids.encode(ApiKey.PREFIX, key.rotated_from_id) if key.rotated_from_id else None

    def get_rotated_to(self, key: ApiKey) -> str | None:
        return ids.encode(ApiKey.PREFIX, key.rotated_to_id) if key.rotated_to_id else None


class IssuedKeyShape(KeyShape):
    """A new key with its text, `secret`, this one time."""

    secret = serializers.SerializerMethodField()

    def get_secret(self, key: ApiKey) -> str:
        return str(self.context["secret"])


class AccountBody(Body):
    name = Text(120)
    description = Text(300, required=False, allow_blank=True)
    scopes = scope_list(required=False)
    organization_id = PublicId("org", required=False, allow_null=True)
    metadata = Metadata(required=False)


class AccountPatch(Body):
    name = Text(120)
    description = Text(300, allow_blank=True)
    scopes = scope_list()
    metadata = Metadata()


class AccountQuery(SearchQuery):
    filters = {"q": "name__istartswith", "organization": "organization_id"}

    status = Words(AccountStatus.values)
    organization = PublicId("org", required=False)


class AccountShape(Shape):
    object_name = "service_account"

    name = serializers.CharField()
    description = serializers.CharField()
    status = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    organization_id = PublicId("org", allow_null=True)
    created_by = serializers.CharField()
    disabled_at = Timestamp(allow_null=True)
