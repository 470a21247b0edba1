"""Devices that wait for a person to allow them elsewhere."""

from __future__ import annotations

import uuid

from django.db import models
from oauth2_provider.models import AbstractDeviceGrant

from core.models import TenantForeignKey, TenantModel
from tenants.models import Member, TenantSession

from .clients import Application


class DeviceStatus(models.TextChoices):
    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    EXPIRED = "expired"  # noticed by a poll; whether a code has run out is decided by `expires`


class DeviceGrant(TenantModel, AbstractDeviceGrant):
    """A device's request for authorization (RFC 8628); both codes are digests.

    `member` is the person who typed the user code: from then on nobody else may decide. The sign-in they
    decided with goes into the tokens, as with an authorization code.
    """

    PREFIX = "dvc"

    user = None
    client_id = None
    last_checked = None

    application = TenantForeignKey(Application)
    audience = models.CharField(max_length=300, default="")
    status = models.CharField(max_length=10, choices=DeviceStatus, default=DeviceStatus.PENDING)
    ip = models.GenericIPAddressField(null=True)  # of the device, shown to the person
    user_agent = models.CharField(max_length=300, blank=True)
    polled_at = models.DateTimeField(null=True)
    member = TenantForeignKey(Member, null=True)
    session = TenantForeignKey(TenantSession, null=True)
    organization_id = models.UUIDField(null=True)
    acr = models.CharField(max_length=40, blank=True)
    amr = models.JSONField(default=list)
    auth_time = models.DateTimeField(null=True)
    within_session = models.BooleanField(default=False)  # what was allowed ends with the session
    grant_until = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)
    token_family = models.UUIDField(default=uuid.uuid4)
    access_jti = models.CharField(max_length=64, blank=True)
    access_expires_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "device_code"], name="oauth_device_code"),
            models.UniqueConstraint(fields=["tenant_id", "user_code"], name="oauth_device_user_code"),
        ]
        indexes = [
            models.Index(fields=["tenant_id", "token_family"], name="oauth_device_family"),
            models.Index(fields=["expires"], name="oauth_device_expiry"),
        ]
