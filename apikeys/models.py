"""Machine principals: service accounts, and the API keys that act for them or by themselves."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.utils import timezone

from core.models import TenantForeignKey, TenantModel
from organizations.models import Organization
from roles.models import ApiResource
from tenants.models import Member


class AccountStatus(models.TextChoices):
    ACTIVE = "active"
    DISABLED = "disabled"


class KeyStatus(models.TextChoices):
    """Computed from the row's times whenever it is asked for, never stored (KEY-10)."""

    ACTIVE = "active"
    ROTATING = "rotating"  # replaced, still taken until the overlap ends
    EXPIRED = "expired"
    REVOKED = "revoked"


class ServiceAccount(TenantModel):
    """A named machine. It has no sign-in of its own: it acts through its API keys only.

    `scopes`, where any are set, caps every key of the account, also those that exist already.
    A deleted account stays as a row, so that its keys and the audit log keep their meaning.
    """

    PREFIX = "sa"

    organization = TenantForeignKey(Organization, null=True)
    name = models.CharField(max_length=120)
    description = models.CharField(max_length=300, blank=True)
    scopes = models.JSONField(default=list)
    created_by = models.CharField(max_length=120)
    disabled_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)
    metadata = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["tenant_id", "organization", "id"], name="apikeys_account_org")]

    @property
    def status(self) -> AccountStatus:
        return AccountStatus.DISABLED if self.disabled_at or self.deleted_at else AccountStatus.ACTIVE


class ApiKey(TenantModel):
    """A key to one API resource. Its scopes never change (decision C7); only a digest is kept.

    `prefix` and `public_part` are the clear beginning of the key, by which it is found. `maker` is the
    person whose authority the key borrows: it can never do more than that person can at the moment.
    `maker_key` is set when a key made this one.
    """

    PREFIX = "ak"

    organization = TenantForeignKey(Organization, null=True)
    service_account = TenantForeignKey(ServiceAccount, null=True)
    resource = TenantForeignKey(ApiResource)
    name = models.CharField(max_length=120)
    prefix = models.CharField(max_length=24)
    public_part = models.CharField(max_length=16)
    digest = models.CharField(max_length=120)
    scopes = models.JSONField()
    maker = TenantForeignKey(Member)
    maker_key = TenantForeignKey("self", null=True)
    created_by = models.CharField(max_length=120)
    expires_at = models.DateTimeField(null=True)
    overlap_until = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    revoke_reason = models.CharField(max_length=200, blank=True)
    rotated_from = TenantForeignKey("self", null=True)
    rotated_to = TenantForeignKey("self", null=True)
    last_used_at = models.DateTimeField(null=True)
    last_used_ip = models.GenericIPAddressField(null=True)
    notice_due_at = models.DateTimeField(null=True)  # when to tell that it expires; null: told, or never
    exposed_at = models.DateTimeField(null=True)  # first seen where others could read it
    metadata = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "public_part"], name="apikeys_apikey_public_part"),
        ]
        indexes = [
            models.Index(fields=["public_part"], name="apikeys_apikey_lookup"),
            models.Index(fields=["tenant_id", "organization", "id"], name="apikeys_apikey_org"),
            models.Index(fields=["tenant_id", "service_account"], name="apikeys_apikey_account"),
            models.Index(fields=["tenant_id", "maker_key"], name="apikeys_apikey_maker_key"),
            models.Index(
                fields=["notice_due_at"],
                name="apikeys_apikey_notice",
                condition=models.Q(notice_due_at__isnull=False),
            ),
        ]

    @property
    def hint(self) -> str:
        """The clear beginning of the key, enough to recognise it and of no other use."""
        return f"{self.prefix}{self.public_part}"

    @property
    def subject(self) -> str:
        """Who acts when the key is used: its service account, else the key itself."""
        account: ServiceAccount | None = self.service_account
        return self.public_id if account is None else account.public_id

    @property
    def ends_at(self) -> datetime | None:
        """When the key stops by itself: its expiry or the end of its overlap, whichever is first."""
        times = [moment for moment in (self.expires_at, self.overlap_until) if moment is not None]
        return min(times, default=None)

    @property
    def status(self) -> KeyStatus:
        if self.revoked_at is not None:
            return KeyStatus.REVOKED
        if self.ends_at is not None and self.ends_at <= timezone.now():
            return KeyStatus.EXPIRED
        return KeyStatus.ROTATING if self.rotated_to_id else KeyStatus.ACTIVE
