"""Organizations: groups of members inside a tenant (a customer of the tenant)."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from core.models import TenantForeignKey, TenantModel
from tenants.models import Member


class OrganizationStatus(models.TextChoices):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    DELETED = "deleted"


class Organization(TenantModel):
    PREFIX = "org"

    name = models.CharField(max_length=120)
    name_search = models.CharField(max_length=120)
    slug = models.CharField(max_length=63)
    external_id = models.CharField(max_length=120, null=True)
    status = models.CharField(max_length=16, choices=OrganizationStatus, default=OrganizationStatus.ACTIVE)
    policy = models.JSONField(default=dict)
    branding = models.JSONField(default=dict)  # worn over the tenant's, see organizations.branding
    metadata = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant_id", "slug"],
                condition=~models.Q(status="deleted"),
                name="organizations_organization_slug",
            ),
            models.UniqueConstraint(fields=["tenant_id", "external_id"], name="organizations_external_id"),
        ]
        indexes = [models.Index(fields=["tenant_id", "name_search"], name="organizations_name_search")]


class Membership(TenantModel):
    """A member belongs to an organization. Roles are assignments in `roles`, not a column here."""

    PREFIX = "mship"

    organization = TenantForeignKey(Organization)
    member = TenantForeignKey(Member)
    joined_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant_id", "organization", "member"], name="organizations_membership_once"
            ),
        ]
        indexes = [models.Index(fields=["tenant_id", "member"], name="organizations_membership_mem")]
