"""Tenants and the people in them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from core import ids
from core.models import Identified, TenantForeignKey, TenantModel


class Mode(models.TextChoices):
    LIVE = "live"
    TEST = "test"


class TenantStatus(models.TextChoices):
    ACTIVE = "active"
    SUSPENDED = "suspended"


class Workspace(Identified):
    """Owner of sibling tenants (dev, staging, prod)."""

    PREFIX = "wsp"
    is_scoped: ClassVar[bool] = True

    name = models.CharField(max_length=120)


class Tenant(Identified):
    """The isolation boundary: issuer, signing keys, mode. `slug` is unique and never changes."""

    PREFIX = "ten"
    is_scoped: ClassVar[bool] = True

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="tenants")
    slug = models.CharField(max_length=63, unique=True)
    name = models.CharField(max_length=120)
    mode = models.CharField(max_length=4, choices=Mode)
    status = models.CharField(max_length=16, choices=TenantStatus, default=TenantStatus.ACTIVE)
    support_email = models.EmailField(max_length=254, blank=True)
    support_url = models.URLField(max_length=500, blank=True)
    terms_url = models.URLField(max_length=500, blank=True)
    privacy_url = models.URLField(max_length=500, blank=True)
    policy = models.JSONField(default=dict)
    branding = models.JSONField(default=dict)
    data_key = models.BinaryField()
    previous_data_key = models.BinaryField(null=True)  # opens what was sealed while the key was rotated
    metadata = models.JSONField(default=dict)


class Logo(TenantModel):
    """A picture for hosted pages, one for each appearance of the tenant and of an organization of its own.

    `digest` is the SHA-256 of its bytes.
    """

    PREFIX = "lgo"

    organization_id = models.UUIDField(null=True)
    variant = models.CharField(max_length=5, choices=[("light", "Light"), ("dark", "Dark")])
    digest = models.CharField(max_length=64)
    media_type = models.CharField(max_length=20)
    content = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant_id", "variant"],
                condition=models.Q(organization_id=None),
                name="tenants_logo_of_tenant",
            ),
            models.UniqueConstraint(
                fields=["tenant_id", "organization_id", "variant"],
                condition=models.Q(organization_id__isnull=False),
                name="tenants_logo_of_organization",
            ),
        ]


class SigningKeyState(models.TextChoices):
    NEXT = "next"  # published, not yet used
    ACTIVE = "active"
    RETIRED = "retired"  # published until every token it signed has expired
    REVOKED = "revoked"
    EXPIRED = "expired"  # withdrawn: nothing that it signed is good any more


class SigningKey(TenantModel):
    """A tenant's signing key: the private part sealed, the public part as a JWK."""

    PREFIX = "key"

    kid = models.CharField(max_length=64)
    alg = models.CharField(max_length=8)
    public_jwk = models.JSONField()
    sealed_private = models.BinaryField()
    state = models.CharField(max_length=8, choices=SigningKeyState)
    activated_at = models.DateTimeField(null=True)
    retired_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)  # when an active key is rotated, a retired one withdrawn

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "kid"], name="tenants_signingkey_kid"),
            models.UniqueConstraint(
                fields=["tenant_id", "alg"],
                condition=models.Q(state="active"),
                name="tenants_signingkey_one_active",
            ),
        ]
        indexes = [models.Index(fields=["due_at"], name="tenants_signingkey_due")]


class MemberStatus(models.TextChoices):
    PENDING = "pending"  # invited or pre-provisioned: no account yet
    ACTIVE = "active"
    SUSPENDED = "suspended"
    REMOVED = "removed"


class Member(TenantModel):
    """An account inside a tenant: its pairwise subject and the tenant's own copy of name and e-mail.

    `subject` is random, unique in the tenant, importable, never derived and never reused.
    `authority_version` rises whenever what the member may do changes; an older one in a token means
    that the token's claims are stale.
    """

    PREFIX = "mem"

    subject = models.CharField(max_length=120, default=ids.new_subject, editable=False)
    account_id = models.UUIDField(null=True)
    status = models.CharField(max_length=16, choices=MemberStatus, default=MemberStatus.ACTIVE)
    name = models.CharField(max_length=200, blank=True)
    email = models.EmailField(max_length=254, blank=True)
    email_search = models.CharField(max_length=254, blank=True)
    name_search = models.CharField(max_length=200, blank=True)
    email_verified = models.BooleanField(default=False)
    withholds_email = models.BooleanField(default=False)  # the person chose to give the tenant none
    locale = models.CharField(max_length=16, blank=True)
    profile = models.JSONField(default=dict)  # further standard claims, see tenants.profile
    metadata = models.JSONField(default=dict)
    authority_version = models.PositiveIntegerField(default=1)
    terms_version = models.CharField(max_length=40, blank=True)  # the one accepted last
    terms_accepted_at = models.DateTimeField(null=True)
    reauthenticate_after = models.DateTimeField(null=True)
    last_sign_in_at = models.DateTimeField(null=True)
    suspended_at = models.DateTimeField(null=True)
    suspended_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "subject"], name="tenants_member_subject"),
            models.UniqueConstraint(
                fields=["tenant_id", "account_id"],
                condition=~models.Q(status="removed") & models.Q(account_id__isnull=False),
                name="tenants_member_account",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant_id", "status", "id"], name="tenants_member_status"),
            models.Index(fields=["tenant_id", "email_search"], name="tenants_member_email"),
            models.Index(fields=["tenant_id", "name_search"], name="tenants_member_name"),
            models.Index(fields=["account_id"], name="tenants_member_by_account"),
        ]

    @property
    def public_id(self) -> str:
        return self.subject

    @property
    def is_active(self) -> bool:
        return self.status == MemberStatus.ACTIVE


class MemberPicture(TenantModel):
    """The tenant's own copy of a member's picture. `token` is random: the address tells two tenants nothing."""

    PREFIX = "mpic"

    member = TenantForeignKey(Member)
    token = models.CharField(max_length=64)
    media_type = models.CharField(max_length=20)
    content = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "member"], name="tenants_picture_member"),
            models.UniqueConstraint(fields=["tenant_id", "token"], name="tenants_picture_token"),
        ]


class TenantSession(TenantModel):
    """One identity session inside one tenant; its public id is the `sid` of tokens."""

    PREFIX = "sess"

    member = TenantForeignKey(Member)
    identity_session_id = models.UUIDField(null=True)
    organization_id = models.UUIDField(null=True)
    connection_id = models.UUIDField(null=True)  # the provider that vouched for the person
    acr = models.CharField(max_length=40, blank=True)
    amr = models.JSONField(default=list)
    auth_time = models.DateTimeField()
    last_active_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    end_reason = models.CharField(max_length=40, blank=True)
    clients = models.JSONField(default=list)
    ip = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["tenant_id", "member", "ended_at"], name="tenants_session_member"),
            models.Index(fields=["tenant_id", "identity_session_id"], name="tenants_session_identity"),
            models.Index(
                fields=["tenant_id", "expires_at"],
                condition=models.Q(ended_at__isnull=True),
                name="tenants_session_live",
            ),
            models.Index(
                fields=["ended_at"], condition=models.Q(ended_at__isnull=False), name="tenants_session_ended"
            ),
            models.Index(
                fields=["tenant_id", "connection_id"],
                condition=models.Q(connection_id__isnull=False),
                name="tenants_session_connection",
            ),
        ]


class RevokedToken(TenantModel):
    """The short deny-list: a token revoked by its `jti` before it expired."""

    jti = models.CharField(max_length=64)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant_id", "jti"], name="tenants_revoked_jti")]
        indexes = [models.Index(fields=["expires_at"], name="tenants_revoked_expiry")]


from tenants.link_models import LinkedSubject, TenantLink  # noqa: E402

__all__ = [
    "LinkedSubject",
    "Logo",
    "Member",
    "MemberPicture",
    "MemberStatus",
    "Mode",
    "RevokedToken",
    "SigningKey",
    "SigningKeyState",
    "Tenant",
    "TenantLink",
    "TenantSession",
    "TenantStatus",
    "Workspace",
]
