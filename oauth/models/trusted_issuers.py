"""Outside issuers whose ID tokens a tenant takes, and who of them is which member (ORG-13)."""

from __future__ import annotations

from typing import Any

from django.db import models

from core.models import TenantForeignKey, TenantModel
from organizations.models import Organization
from tenants.models import Member


class Preset(models.TextChoices):
    OIDC = "oidc"  # any OpenID provider
    FIREBASE = "firebase"
    COGNITO = "cognito"
    AUTH0 = "auth0"


def default_claims() -> dict[str, Any]:
    return {"subject": "sub", "email": "email", "name": "name"}


class TrustedIssuer(TenantModel):
    """An issuer, compared as an exact string. Without `jwks_uri` its discovery document names the keys.

    `claims` says under which names the issuer tells subject, email, name, organization and roles; `roles`
    which of its role values stands for which role of ours.
    """

    PREFIX = "tis"

    name = models.CharField(max_length=120)
    preset = models.CharField(max_length=8, choices=Preset, default=Preset.OIDC)
    issuer = models.CharField(max_length=500)
    audiences = models.JSONField(default=list)  # client ids that the issuer knows
    jwks_uri = models.CharField(max_length=500, blank=True)
    algorithms = models.JSONField(default=list)
    claims = models.JSONField(default=default_claims)
    required_claims = models.JSONField(default=dict)
    roles = models.JSONField(default=dict)
    organization = TenantForeignKey(Organization, null=True)  # set: it speaks for people of this one only
    create_members = models.BooleanField(default=False)
    trust_email = models.BooleanField(default=False)  # take its word that an address is verified
    takes_id_tokens = models.BooleanField(default=False)  # at /v1/me too, without an exchange (ORG-18)
    disabled_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True)
    check_result = models.JSONField(default=dict)
    metadata = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "issuer"], name="oauth_trusted_issuer_once"),
        ]

    @property
    def status(self) -> str:
        return "disabled" if self.disabled_at else "active"


class ExternalIdentity(TenantModel):
    """A person at an outside issuer is this member: issuer and subject decide, never an address (F1)."""

    PREFIX = "xid"

    trusted_issuer = TenantForeignKey(TrustedIssuer)
    member = TenantForeignKey(Member)
    subject = models.CharField(max_length=255)
    assignments = models.JSONField(default=list)  # role assignments that the issuer's claims gave

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant_id", "trusted_issuer", "subject"], name="oauth_external_identity_subject"
            ),
            models.UniqueConstraint(
                fields=["tenant_id", "trusted_issuer", "member"], name="oauth_external_identity_member"
            ),
        ]
        indexes = [models.Index(fields=["tenant_id", "member"], name="oauth_external_identity_of")]
