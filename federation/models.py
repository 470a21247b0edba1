"""Single sign-on: providers that vouch for people of a tenant or of one organization, and for whom they did.

Every row names the organization that it belongs to, so that row security keeps one from another's.
"""

from __future__ import annotations

from typing import Any

from django.db import models

from core.models import TenantForeignKey, TenantModel
from organizations.models import Organization
from roles.models import Role
from tenants.models import Member


class ConnectionStatus(models.TextChoices):
    DRAFT = "draft"  # never switched on
    ACTIVE = "active"
    INACTIVE = "inactive"


class ClientAuth(models.TextChoices):
    BASIC = "client_secret_basic"
    POST = "client_secret_post"
    KEY = "private_key_jwt"
    NONE = "none"  # a public client: PKCE alone


def default_scopes() -> list[str]:
    return ["openid", "email", "profile"]


def default_attributes() -> dict[str, Any]:
    return {
        "email": "email",
        "name": "name",
        "given_name": "given_name",
        "family_name": "family_name",
    }


class Connection(TenantModel):
    """An OpenID provider that signs people in: of one organization, or with none of the whole tenant.

    `issuer` never changes, so connection and `sub` are connection, issuer and `sub` (threat F1). Endpoints that
    `endpoints` leaves out come from the issuer's discovery document. `attributes` says under which claims the
    provider tells of a person. Sign-ins of before `valid_after` are over (threat F6).
    """

    PREFIX = "sso"

    organization = TenantForeignKey(Organization, null=True)
    name = models.CharField(max_length=120)
    issuer = models.CharField(max_length=500)
    client_id = models.CharField(max_length=300)
    client_auth = models.CharField(max_length=20, choices=ClientAuth, default=ClientAuth.BASIC)
    sealed_secret = models.BinaryField()
    endpoints = models.JSONField(default=dict)
    algorithms = models.JSONField(default=list)  # empty: those of its metadata that we take
    scopes = models.JSONField(default=default_scopes)
    attributes = models.JSONField(default=default_attributes)
    status = models.CharField(max_length=8, choices=ConnectionStatus, default=ConnectionStatus.DRAFT)
    create_members = models.BooleanField(default=True)
    default_role = TenantForeignKey(Role, null=True)
    trust_email = models.BooleanField(default=False)  # addresses count as proved without `email_verified`
    trust_mfa = models.BooleanField(default=False)  # its word that several factors were proved counts here
    enforced = models.BooleanField(default=False)  # own methods are refused to those it is for
    tested_at = models.DateTimeField(null=True)
    valid_after = models.DateTimeField(null=True)
    metadata = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["tenant_id", "organization"], name="federation_connection_org")]

    @property
    def is_active(self) -> bool:
        return self.status == ConnectionStatus.ACTIVE


class UpstreamIdentity(TenantModel):
    """A person at a connection's provider is this member. `made_member`: the connection brought them in.

    Sign-ins of before `valid_after` are over.
    """

    PREFIX = "upi"

    connection = TenantForeignKey(Connection)
    organization = TenantForeignKey(Organization, null=True)
    member = TenantForeignKey(Member)
    subject = models.CharField(max_length=255)
    made_member = models.BooleanField(default=False)
    valid_after = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant_id", "connection", "subject"], name="federation_identity_subject"
            ),
            models.UniqueConstraint(
                fields=["tenant_id", "connection", "member"], name="federation_identity_member"
            ),
        ]
        indexes = [models.Index(fields=["tenant_id", "member"], name="federation_identity_of")]


class Attempt(TenantModel):
    """One sign-in by a connection, for whoever looks after it: which check it passed or failed (ORG-17).

    No token, code or secret is kept. `claims` are those of a test sign-in only, which an administrator made.
    """

    PREFIX = "ssa"

    connection = TenantForeignKey(Connection)
    organization = TenantForeignKey(Organization, null=True)
    is_test = models.BooleanField(default=False)
    failed = models.CharField(max_length=20, blank=True)  # empty: it succeeded
    detail = models.CharField(max_length=300, blank=True)
    member = models.CharField(max_length=120, blank=True)  # subject
    request_id = models.CharField(max_length=60, blank=True)
    claims = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["tenant_id", "connection", "-id"], name="federation_attempt_newest")]


class Exemption(TenantModel):
    """A member who may use methods of their own although the connection is enforced (ORG-07)."""

    PREFIX = "sse"

    connection = TenantForeignKey(Connection)
    organization = TenantForeignKey(Organization, null=True)
    member = TenantForeignKey(Member)
    reason = models.CharField(max_length=300)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant_id", "connection", "member"], name="federation_exemption_once"
            ),
        ]
