"""Clients, consents, codes and token families: the six models of django-oauth-toolkit, made a tenant's own.

The toolkit's abstract bases stay underneath; their account (`user`) becomes a Member, their readable
secrets become digests, and fields that our own endpoints do not use are taken out.
"""

from __future__ import annotations

import uuid

from django.db import models
from oauth2_provider.models import (
    AbstractAccessToken,
    AbstractApplication,
    AbstractDeviceGrant,
    AbstractGrant,
    AbstractIDToken,
    AbstractRefreshToken,
)

from core.models import TenantForeignKey, TenantModel
from tenants.models import Member, TenantSession


class ApplicationType(models.TextChoices):
    WEB = "web"  # a server that keeps a secret
    SPA = "spa"  # runs in the browser
    NATIVE = "native"  # runs on a person's device
    MACHINE = "machine"  # no person at all
    DEVICE = "device"  # cannot show a browser


class AuthMethod(models.TextChoices):
    """How a client proves itself at the token endpoint (OpenID Connect Core §9)."""

    NONE = "none"
    BASIC = "client_secret_basic"
    POST = "client_secret_post"
    PRIVATE_KEY_JWT = "private_key_jwt"


class Application(TenantModel, AbstractApplication):
    """An OAuth client of a tenant. `client_id` is its public id unless one was imported."""

    PREFIX = "app"

    user = None
    authorization_grant_type = None
    client_secret = None  # rows of ClientSecret
    hash_client_secret = None
    skip_authorization = None
    algorithm = None
    cimd_expires_at = None
    created = None
    updated = None

    client_id = models.CharField(max_length=255, editable=False)
    name = models.CharField(max_length=120)
    type = models.CharField(max_length=8, choices=ApplicationType)
    auth_method = models.CharField(max_length=24, choices=AuthMethod)
    grants = models.JSONField(default=list)
    scopes = models.JSONField(default=list)
    resources = models.JSONField(default=list)  # audiences; the first is the default
    introspection_audiences = models.JSONField(default=list)  # whose tokens it may ask about besides its own
    jwks = models.JSONField(null=True)
    access_token_lifetime = models.PositiveIntegerField(null=True)  # seconds; null = the tenant's
    id_token_lifetime = models.PositiveIntegerField(null=True)
    refresh_lifetime = models.PositiveIntegerField(null=True)
    rotate_refresh_tokens = models.BooleanField(default=True)
    refresh_ends_with_session = models.BooleanField(default=True)
    is_first_party = models.BooleanField(default=False)  # consent is not asked
    disabled_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    metadata = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "client_id"], name="oauth_application_client_id"),
        ]

    @property
    def is_confidential(self) -> bool:
        return self.auth_method != AuthMethod.NONE

    @property
    def status(self) -> str:
        return "disabled" if self.disabled_at else "active"


class ClientSecret(TenantModel):
    """One secret of a client as a keyed digest; two may live at once while it rotates."""

    PREFIX = "csec"

    application = TenantForeignKey(Application)
    digest = models.CharField(max_length=100)
    hint = models.CharField(max_length=8)  # the last characters, so that people can tell them apart
    expires_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["tenant_id", "application"], name="oauth_secret_application")]


class Consent(TenantModel):
    """What a member allowed a client: the union of every scope they agreed to."""

    PREFIX = "cns"

    member = TenantForeignKey(Member)
    application = TenantForeignKey(Application)
    scopes = models.JSONField(default=list)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "member", "application"], name="oauth_consent_once"),
        ]


class Grant(TenantModel, AbstractGrant):
    """An authorization code, remembered after its use so that a replay can end what it issued.

    `token_family` names the tokens that descend from it; `access_jti` the access token it was redeemed for.
    """

    user = None
    code = None
    claims = None
    created = None
    updated = None

    digest = models.CharField(max_length=100)
    application = TenantForeignKey(Application)
    member = TenantForeignKey(Member)
    session = TenantForeignKey(TenantSession)
    organization_id = models.UUIDField(null=True)
    token_family = models.UUIDField(default=uuid.uuid4)
    audience = models.CharField(max_length=300)
    redirect_sent = models.BooleanField(default=True)
    acr = models.CharField(max_length=40, blank=True)
    amr = models.JSONField(default=list)
    auth_time = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    access_jti = models.CharField(max_length=64, blank=True)
    access_expires_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant_id", "digest"], name="oauth_grant_digest")]
        indexes = [
            models.Index(fields=["tenant_id", "token_family"], name="oauth_grant_family"),
            models.Index(fields=["expires"], name="oauth_grant_expiry"),
        ]


class RefreshToken(TenantModel, AbstractRefreshToken):
    """One link of a token family. `expires` is the family's absolute end and is inherited by each link.

    `ends_with_session` families are worth what their session is worth; the others have `offline_access`.
    """

    user = None
    token = None
    token_checksum = None
    access_token = None
    created = None
    updated = None

    digest = models.CharField(max_length=100)
    application = TenantForeignKey(Application)
    member = TenantForeignKey(Member)
    session = TenantForeignKey(TenantSession, null=True)
    organization_id = models.UUIDField(null=True)
    token_family = models.UUIDField()
    scope = models.TextField()
    audience = models.CharField(max_length=300)
    ends_with_session = models.BooleanField()
    acr = models.CharField(max_length=40, blank=True)  # of the sign-in: kept, since its session may be gone
    amr = models.JSONField(default=list)
    auth_time = models.DateTimeField()
    expires = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    access_jti = models.CharField(max_length=64, blank=True)
    access_expires_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant_id", "digest"], name="oauth_refresh_digest")]
        indexes = [
            models.Index(fields=["tenant_id", "token_family"], name="oauth_refresh_family"),
            models.Index(fields=["tenant_id", "member"], name="oauth_refresh_member"),
            models.Index(fields=["tenant_id", "session"], name="oauth_refresh_session"),
            models.Index(fields=["expires"], name="oauth_refresh_expiry"),
        ]


class ClientAssertion(TenantModel):
    """The `jti` of a client assertion that was accepted once (RFC 7523 §3, threat O8)."""

    application = TenantForeignKey(Application)
    jti = models.CharField(max_length=100)  # a digest: clients choose the text
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "application", "jti"], name="oauth_assertion_once"),
        ]
        indexes = [models.Index(fields=["expires_at"], name="oauth_assertion_expiry")]


class AccessToken(TenantModel, AbstractAccessToken):
    """The toolkit's relation. Our access tokens are self-contained and write no row here."""

    user = None
    token = None
    token_checksum = None
    source_refresh_token = None
    id_token = None
    created = None
    updated = None

    digest = models.CharField(max_length=100)
    application = TenantForeignKey(Application)
    member = TenantForeignKey(Member, null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant_id", "digest"], name="oauth_access_digest")]


class IDToken(TenantModel, AbstractIDToken):
    """The toolkit's relation. Our ID tokens are self-contained and write no row here."""

    user = None
    created = None
    updated = None

    jti = models.UUIDField(default=uuid.uuid4, editable=False)
    application = TenantForeignKey(Application)
    member = TenantForeignKey(Member, null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant_id", "jti"], name="oauth_idtoken_jti")]


class DeviceGrant(TenantModel, AbstractDeviceGrant):
    """A device's request for authorization; both codes are digests."""

    user = None

    application = TenantForeignKey(Application)
    member = TenantForeignKey(Member, null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "device_code"], name="oauth_device_code"),
            models.UniqueConstraint(fields=["tenant_id", "user_code"], name="oauth_device_user_code"),
        ]
