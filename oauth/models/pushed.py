"""Authorization requests that clients sent ahead of the browser."""

from __future__ import annotations

from django.db import models

from core.models import TenantForeignKey, TenantModel

from .clients import Application


class PushedRequest(TenantModel):
    """A pushed authorization request (RFC 9126); its `request_uri` is stored as a digest.

    It must be started before `expires_at`. `used_at` is when it came to an answer.
    """

    application = TenantForeignKey(Application)
    digest = models.CharField(max_length=100)
    sealed = models.BinaryField()  # the parameters: they hold hints about people
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant_id", "digest"], name="oauth_pushed_digest")]
        indexes = [models.Index(fields=["expires_at"], name="oauth_pushed_expiry")]
