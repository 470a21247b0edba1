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


class DomainState(models.TextChoices):
    PENDING = "pending"
    VERIFIED = "verified"
    FAILED = "failed"
    EXPIRED = "expired"


class ProofMethod(models.TextChoices):
    DNS = "dns"
    HTTP = "http"


class Finding(models.TextChoices):
    """What a look for the proof found; `taken` is the right proof of a domain that another organization has."""

    FOUND = "found"
    MISSING = "missing"
    OTHER_VALUE = "other_value"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    TAKEN = "taken"


class OrganizationDomain(TenantModel):
    """A domain that an organization says is its own, and whether it has shown that (ORG-04).

    `domain` is in the form of identity.emails.canonical_domain; `challenge` is what the proof has to say. Of one
    tenant only one organization has a domain verified; how many wait for it does not matter. `failures` are looks
    without success since the last one with it. `auto_join_role_id` is a row of the app above, see domain_roles.
    """

    PREFIX = "dom"

    organization = TenantForeignKey(Organization)
    domain = models.CharField(max_length=253)
    state = models.CharField(max_length=16, choices=DomainState, default=DomainState.PENDING)
    challenge = models.CharField(max_length=64)
    method = models.CharField(max_length=8, choices=ProofMethod, blank=True)
    dns_finding = models.CharField(max_length=16, choices=Finding, blank=True)
    http_finding = models.CharField(max_length=16, choices=Finding, blank=True)
    verified_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True)
    next_check_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    auto_join = models.BooleanField(default=False)
    auto_join_role_id = models.UUIDField(null=True)
    metadata = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant_id", "organization", "domain"], name="organizations_domain_once"
            ),
            models.UniqueConstraint(
                fields=["tenant_id", "domain"],
                condition=models.Q(state="verified"),
                name="organizations_domain_verified",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_check_at"],
                name="organizations_domain_due",
                condition=models.Q(next_check_at__isnull=False),
            ),
        ]

    @property
    def effective_state(self) -> str:
        """Expiry is decided whenever it is asked for, never by a look that was not made."""
        if self.state == DomainState.PENDING and self.expires_at <= timezone.now():
            return DomainState.EXPIRED
        return self.state


class Departure(TenantModel):
    """A member left an organization or was removed from it: no rule brings them back, only a person does."""

    PREFIX = "dep"

    organization = TenantForeignKey(Organization)
    member = TenantForeignKey(Member)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant_id", "organization", "member"], name="organizations_departure_once"
            ),
        ]
