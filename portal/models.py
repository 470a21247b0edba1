"""What a person has asked for about their whole account: a copy of their data, or its end (USR-14)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from core.models import PersonModel


class DataExport(PersonModel):
    """A copy of the person's data: promised, made by a job, kept sealed for a week."""

    PREFIX = "exp"

    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="exports")
    sealed = models.BinaryField(null=True)
    made_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="portal_export_expiry")]

    @property
    def is_ready(self) -> bool:
        return self.made_at is not None and self.expires_at > timezone.now()


class Deletion(PersonModel):
    """The end of the account as its owner planned it. Taking it back deletes the row."""

    PREFIX = "del"

    account = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="deletion"
    )
    due_at = models.DateTimeField()
