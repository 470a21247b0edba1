"""Clients to be told that a session of theirs is over."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from core.models import TenantForeignKey, TenantModel
from tenants.models import TenantSession

from .clients import Application


class LogoutStatus(models.TextChoices):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class LogoutDelivery(TenantModel):
    """The promise to tell one application that one session ended; the table is the queue.

    A worker that takes a row moves its `due_at` to the end of a lease, so that a lost worker loses nothing.
    """

    PREFIX = "lgd"

    application = TenantForeignKey(Application)
    session = TenantForeignKey(TenantSession)
    status = models.CharField(max_length=9, choices=LogoutStatus, default=LogoutStatus.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    lease = models.UUIDField(null=True)
    attempted_at = models.DateTimeField(null=True)
    last_status = models.PositiveSmallIntegerField(null=True)  # of the answer; null where none came
    last_error = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "application", "session"], name="oauth_logout_once"),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], name="oauth_logout_due", condition=models.Q(status=LogoutStatus.PENDING)
            ),
            models.Index(fields=["tenant_id", "session"], name="oauth_logout_session"),
        ]
