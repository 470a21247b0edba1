"""Devices that wait for a person to allow them elsewhere."""

from __future__ import annotations

from django.db import models
from oauth2_provider.models import AbstractDeviceGrant

from core.models import TenantForeignKey, TenantModel
from tenants.models import Member

from .clients import Application


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
