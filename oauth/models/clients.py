"""The clients of a tenant, what they prove themselves with, and what members allowed them."""

from __future__ import annotations

from django.db import models
from oauth2_provider.models import AbstractApplication

from core.models import TenantForeignKey, TenantModel
from tenants.models import Member

from .registrations import InitialAccessToken


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
    TLS_CLIENT_AUTH = "tls_client_auth"  # RFC 8705 §2.1: a certificate of an authority
    SELF_SIGNED_TLS = "self_signed_tls_client_auth"  # RFC 8705 §2.2: a certificate with a registered key


class Profile(models.TextChoices):
    """A set of rules that a client binds itself to, beyond OAuth 2.1."""

    NONE = "", "None"
    FAPI2 = "fapi2", "FAPI 2.0 security profile"


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
    auth_method = models.CharField(max_length=32, choices=AuthMethod)
    grants = models.JSONField(default=list)
    scopes = models.JSONField(default=list)
    resources = models.JSONField(default=list)  # audiences; the first is the default
    backchannel_logout_uri = models.CharField(max_length=1000, blank=True)  # where logout tokens go
    backchannel_logout_session_required = models.BooleanField(default=False)
    introspection_audiences = models.JSONField(default=list)  # whose tokens it may ask about besides its own
    exchange_clients = models.JSONField(default=list)  # whose access tokens it may exchange besides its own
    jwks = models.JSONField(null=True)
    token_endpoint_auth_signing_alg = models.CharField(max_length=8, blank=True)  # empty = any offered
    tls_client_auth = models.JSONField(default=dict)  # the one name that its certificate carries
    tls_client_certificate_bound_access_tokens = models.BooleanField(default=False)
    dpop_bound_access_tokens = models.BooleanField(default=False)
    dpop_nonce_required = models.BooleanField(default=False)
    profile = models.CharField(max_length=8, choices=Profile, blank=True, default="")
    access_token_lifetime = models.PositiveIntegerField(null=True)  # seconds; null = the tenant's
    id_token_lifetime = models.PositiveIntegerField(null=True)
    refresh_lifetime = models.PositiveIntegerField(null=True)
    rotate_refresh_tokens = models.BooleanField(default=True)
    refresh_ends_with_session = models.BooleanField(default=True)
    is_first_party = models.BooleanField(default=False)  # consent is not asked
    id_token_signed_response_alg = models.CharField(max_length=8, blank=True)  # empty = ES256
    userinfo_signed_response_alg = models.CharField(max_length=8, blank=True)  # empty = plain JSON
    introspection_signed_response_alg = models.CharField(max_length=8, blank=True)
    claim_mapping = models.JSONField(default=list)  # see roles.claim_mapping
    require_pushed_authorization_requests = models.BooleanField(default=False)  # RFC 9126 §6
    required_scopes = models.JSONField(default=list)  # a person cannot drop these and go on
    # Public ids of organizations and names of roles that may use it (APP-06); empty = everyone.
    assigned_organizations = models.JSONField(default=list)
    assigned_roles = models.JSONField(default=list)
    disabled_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    metadata = models.JSONField(default=dict)
    jwks_uri = models.CharField(max_length=1000, blank=True)  # instead of jwks, never beside it
    # What the client says of itself (RFC 7591 §2); nothing here is fetched or embedded by our pages.
    client_uri = models.CharField(max_length=1000, blank=True)
    logo_uri = models.CharField(max_length=1000, blank=True)
    tos_uri = models.CharField(max_length=1000, blank=True)
    policy_uri = models.CharField(max_length=1000, blank=True)
    contacts = models.JSONField(default=list)
    software_id = models.CharField(max_length=200, blank=True)
    software_version = models.CharField(max_length=100, blank=True)
    initiate_login_uri = models.CharField(max_length=1000, blank=True)
    default_max_age = models.PositiveIntegerField(null=True)  # seconds, where a request names none
    require_auth_time = models.BooleanField(default=False)
    is_vetted = models.BooleanField(default=True)  # False: nobody of the tenant looked at it yet
    initial_access_token = TenantForeignKey(InitialAccessToken, null=True)
    registration_digest = models.CharField(max_length=100, blank=True)  # of its RFC 7592 token

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "client_id"], name="oauth_application_client_id"),
        ]

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


class DPoPProof(TenantModel):
    """The `jti` of a DPoP proof that was accepted once (RFC 9449 §11.1, threat T4)."""

    jti = models.CharField(max_length=64)  # a digest of key and jti: clients choose the text
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant_id", "jti"], name="oauth_dpop_once")]
        indexes = [models.Index(fields=["expires_at"], name="oauth_dpop_expiry")]


class Consent(TenantModel):
    """What a member allowed a client: the union of every scope and single claim they agreed to.

    `declined` are the scopes and claims that they left out, so that these are not asked again and again. It
    stands until `expires_at`, or for the one tenant session `session_id`, where those are set.
    """

    PREFIX = "cns"

    member = TenantForeignKey(Member)
    application = TenantForeignKey(Application)
    scopes = models.JSONField(default=list)
    claims = models.JSONField(default=list)
    declined = models.JSONField(default=list)
    expires_at = models.DateTimeField(null=True)
    session_id = models.UUIDField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "member", "application"], name="oauth_consent_once"),
        ]
