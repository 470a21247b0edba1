"""Shapes of tenants and members at the API's edge. What is not listed cannot be written (threat L10)."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from core.api.fields import Body, Flag, Integer, Metadata, Shape, Text, Timestamp
from core.api.lists import SearchQuery, Words
from identity import methods
from identity.assurance import DEMANDS
from tenants import inclusions
from tenants.models import Member, MemberStatus, Tenant
from tenants.policy import CHALLENGE_TIMES, RISK_ACTIONS, TenantPolicy

PRESENT = [status.value for status in MemberStatus if status != MemberStatus.REMOVED]


class Email(serializers.EmailField):
    """An address; only a string will do."""

    default_error_messages = {"invalid": _("Must be an e-mail address.")}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class WebAddress(serializers.URLField):
    """An absolute http or https address, or nothing."""

    default_error_messages = {"invalid": _("Must be an address that begins with https://.")}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or (data and not data.lower().startswith(("https://", "http://"))):
            self.fail("invalid")
        return super().to_internal_value(data)


class MemberShape(Shape):
    object_name = "member"

    status = serializers.CharField()
    name = serializers.CharField()
    email = serializers.CharField()
    email_verified = serializers.BooleanField()
    locale = serializers.CharField()
    profile = serializers.DictField()
    terms_version = serializers.CharField()
    terms_accepted_at = Timestamp()
    last_sign_in_at = Timestamp()
    suspended_at = Timestamp()
    suspended_reason = serializers.CharField()


class MemberQuery(SearchQuery):
    filters: ClassVar[dict[str, str]] = {"status": "status__in"}

    include = Words(inclusions.NAMES)
    status = Words(PRESENT)
    role = Text(80, required=False)
    group = Text(40, required=False)
    organization = Text(40, required=False)


class OneMemberQuery(Body):
    include = Words(inclusions.NAMES)


class MemberBody(Body):
    email = Email(max_length=254)
    name = Text(200, required=False, allow_blank=True)
    locale = Text(16, required=False, allow_blank=True)
    metadata = Metadata(required=False)


class MemberPatch(Body):
    name = Text(200, allow_blank=True)
    locale = Text(16, allow_blank=True)
    profile = serializers.DictField(allow_null=True)
    metadata = Metadata()


class Reason(Body):
    reason = Text(300, required=False, allow_blank=True)


class LogoutShape(serializers.Serializer):
    object = serializers.CharField(default="logout")
    member = serializers.CharField()
    sessions_ended = serializers.IntegerField()


class ErasureShape(serializers.Serializer):
    object = serializers.CharField(default="erasure")
    member = serializers.CharField()
    values_erased = serializers.IntegerField()


class TenantShape(Shape):
    object_name = "tenant"

    slug = serializers.CharField()
    name = serializers.CharField()
    status = serializers.CharField()
    support_email = serializers.CharField()
    support_url = serializers.CharField()
    terms_url = serializers.CharField()
    privacy_url = serializers.CharField()
    issuer = serializers.SerializerMethodField()

    def get_issuer(self, tenant: Tenant) -> str:
        from core.urls import issuer

        return issuer(tenant.slug)


class TenantPatch(Body):
    name = Text(120)
    support_email = Email(max_length=254, allow_blank=True)
    support_url = WebAddress(max_length=500, allow_blank=True)
    terms_url = WebAddress(max_length=500, allow_blank=True)
    privacy_url = WebAddress(max_length=500, allow_blank=True)
    metadata = Metadata()


DAY = 86_400


class PolicyBody(Body):
    """Every value of the tenant's policy; times in seconds."""

    sign_up = serializers.ChoiceField(["open", "invite", "domain"])
    sign_up_domains = serializers.ListField(child=Text(253), max_length=100)
    sign_in_methods = serializers.ListField(
        child=serializers.ChoiceField(methods.METHODS), min_length=1, max_length=20
    )
    terms_version = Text(40, allow_blank=True)
    password_min_length = Integer(min_value=8, max_value=128)
    password_classes = Flag()
    session_idle = Integer(min_value=60, max_value=30 * DAY)
    session_idle_cap = Integer(min_value=60, max_value=30 * DAY)
    session_absolute = Integer(min_value=300, max_value=90 * DAY)
    session_remember = Integer(min_value=300, max_value=365 * DAY)
    access_token_lifetime = Integer(min_value=60, max_value=DAY)
    access_token_lifetime_max = Integer(min_value=300, max_value=DAY)
    id_token_lifetime = Integer(min_value=60, max_value=DAY)
    id_token_lifetime_max = Integer(min_value=300, max_value=DAY)
    refresh_lifetime = Integer(min_value=300, max_value=365 * DAY)
    refresh_lifetime_max = Integer(min_value=3600, max_value=365 * DAY)
    key_token_lifetime = Integer(min_value=60, max_value=DAY)
    key_max_lifetime = Integer(min_value=0, max_value=3650 * DAY)
    key_never_allowed = Flag()
    key_exchange_only = Flag()
    signing_key_days = Integer(min_value=0, max_value=3650)
    member_factor = serializers.ChoiceField(list(DEMANDS))
    admin_mfa_required = Flag()
    admin_passkey_required = Flag()
    trusted_browser_days = Integer(min_value=0, max_value=90)
    risk_new_device = serializers.ChoiceField(RISK_ACTIONS)
    risk_impossible_travel = serializers.ChoiceField(RISK_ACTIONS)
    risk_password_breached = serializers.ChoiceField(RISK_ACTIONS)
    risk_disposable_mail = serializers.ChoiceField(RISK_ACTIONS)
    challenge_sign_in = serializers.ChoiceField(CHALLENGE_TIMES)
    challenge_sign_up = serializers.ChoiceField(CHALLENGE_TIMES)
    challenge_recovery = serializers.ChoiceField(CHALLENGE_TIMES)
    challenge_after = Integer(min_value=1, max_value=20)
    challenge_bits = Integer(min_value=8, max_value=22)
    legacy_oauth_paths = Flag()
    client_documents = serializers.ChoiceField(["off", "auto", "listed", "any"])
    client_document_hosts = serializers.ListField(child=Text(253), max_length=100)
    dpop_nonce_required = Flag()


class PolicyShape(PolicyBody):
    """The policy in force, defaults included."""

    object = serializers.CharField(default="tenant_policy", read_only=True)

    def to_representation(self, instance: TenantPolicy) -> dict[str, Any]:
        return {"object": "tenant_policy", **super().to_representation(instance)}


def member_of(member: Member, mode: str) -> dict[str, Any]:
    """Write a member as part of another object."""
    return dict(MemberShape(member, context={"mode": mode}).data)
