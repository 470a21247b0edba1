"""Model bases and the kernel's own rows: jobs, invalidations, idempotency."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.db import models
from django.db.models.functions import Now

from core import ids, scope


class Identified(models.Model):
    """A row with a sortable key, written in public as `PREFIX_…`."""

    PREFIX: ClassVar[str] = ""

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        return ids.encode(self.PREFIX, self.id)

    @classmethod
    def read_id(cls, text: str) -> uuid.UUID:
        """Read a public id of this kind; raises ids.MalformedId."""
        return ids.decode(cls.PREFIX, text)


class TenantModel(Identified):
    """A tenant's row. `tenant_id` is filled from the open scope and checked by the database."""

    is_scoped: ClassVar[bool] = True

    tenant_id = models.UUIDField(default=scope.require_tenant, editable=False)

    class Meta:
        abstract = True


class PersonModel(Identified):
    """A person's row: visible in that account's own scope only."""

    is_scoped: ClassVar[bool] = True

    class Meta:
        abstract = True


def TenantForeignKey(to: Any, **options: Any) -> models.ForeignKey[Any, Any]:  # noqa: N802
    """A relation inside the tenant; its constraint is the migration operation of the same name."""
    options.setdefault("related_name", "+")
    return models.ForeignKey(to, on_delete=models.DO_NOTHING, db_constraint=False, **options)


class Job(models.Model):
    """Promised work, leased by one worker at a time. `sealed` holds the payload, encrypted."""

    is_scoped: ClassVar[bool] = True

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    tenant_id = models.UUIDField(null=True)
    account_id = models.UUIDField(null=True)
    name = models.CharField(max_length=80)
    sealed = models.BinaryField()
    context = models.JSONField(default=dict)
    run_at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True)
    lease = models.UUIDField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    parked_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=300, blank=True)
    unique_key = models.CharField(max_length=120, null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["run_at"], name="core_job_due", condition=models.Q(parked_at=None)),
        ]
        constraints = [
            # Equal keys of two tenants, or of a tenant and a person, are different promises (threat A4).
            models.UniqueConstraint(
                fields=["tenant_id", "account_id", "name", "unique_key"],
                condition=models.Q(unique_key__isnull=False),
                nulls_distinct=False,
                name="core_job_unique_key",
            ),
        ]


class Invalidation(models.Model):
    """`topic` and `key` of something cached in processes that must be read anew. No customer data."""

    is_plain: ClassVar[bool] = True

    id = models.BigAutoField(primary_key=True)
    topic = models.CharField(max_length=40)
    key = models.CharField(max_length=120)
    created_at = models.DateTimeField(db_default=Now())


class IdempotencyRecord(TenantModel):
    """The stored answer of a write that carried an Idempotency-Key.

    Members that are shown once are not in `sealed_body` but in `sealed_secret`, which goes after an hour.
    """

    scope_hash = models.BinaryField(max_length=32)
    fingerprint = models.BinaryField(max_length=32)
    status = models.PositiveSmallIntegerField()
    sealed_body = models.BinaryField()
    sealed_secret = models.BinaryField(null=True)
    headers = models.JSONField(default=dict)
    secret_until = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "scope_hash"], name="core_idempotency_key"),
        ]
        indexes = [models.Index(fields=["expires_at"], name="core_idempotency_expiry")]
