"""The browsers in which a person signed in before."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from core.models import PersonModel


class KnownDevice(PersonModel):
    """A browser in which the person signed in: what a new device, or a place too far away, is judged against.

    `digest` is that of the browser's own value, bound to the account. `checked_at` is when a sign-in there was
    proved by more than a password that somebody may have guessed; policies that want that do not count a device
    as known before. A forgotten device keeps its row, so that the account never looks as if it had none.
    The place is where the address of its last sign-in was, as far as the operator's database tells.
    """

    PREFIX = "dev"

    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=100)
    seen_at = models.DateTimeField()
    checked_at = models.DateTimeField(null=True)
    forgotten_at = models.DateTimeField(null=True)
    ip = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=300, blank=True)
    latitude = models.FloatField(null=True)
    longitude = models.FloatField(null=True)
    radius = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "digest"], name="identity_known_device_once"),
        ]
        indexes = [models.Index(fields=["account", "seen_at"], name="identity_known_device_seen")]
