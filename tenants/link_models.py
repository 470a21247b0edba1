"""Two tenants that may know that they see the same person, because that person said so (TEN-16)."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from core.models import PersonModel, TenantForeignKey, TenantModel


class TenantLink(PersonModel):
    """The person's own word, and the truth: a pair of tenants, the smaller id first. No tenant sees it."""

    PREFIX = "lnk"

    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    first_tenant_id = models.UUIDField()
    second_tenant_id = models.UUIDField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "first_tenant_id", "second_tenant_id"], name="tenants_link_once"
            ),
            models.CheckConstraint(
                condition=models.Q(first_tenant_id__lt=models.F("second_tenant_id")),
                name="tenants_link_ordered",
            ),
        ]


class LinkedSubject(TenantModel):
    """What one tenant learns by a link: the subject under which another tenant knows its member."""

    PREFIX = "lsub"

    member = TenantForeignKey("tenants.Member")
    linked_tenant_id = models.UUIDField()
    subject = models.CharField(max_length=120)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant_id", "member", "linked_tenant_id"], name="tenants_linkedsubject_once"
            ),
        ]
