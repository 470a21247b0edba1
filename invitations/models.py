"""Invitations: an address, where it is invited to, with which roles, by whom."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from core.models import TenantForeignKey, TenantModel
from organizations.models import Organization
from tenants.models import Member


class InvitationState(models.TextChoices):
    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    REVOKED = "revoked"
    EXPIRED = "expired"


class Invitation(TenantModel):
    """A mailed, one-use way in, bound to one address. Only a keyed lookup value of its token is kept.

    `state` is what was last decided; `effective_state` also knows the time. `inviter` is the member who
    invited, `inviter_key` the public id of an API key that did; `roles` are ids of roles as text.
    """

    PREFIX = "inv"

    email = models.EmailField(max_length=254)
    email_search = models.CharField(max_length=254)
    organization = TenantForeignKey(Organization, null=True)
    roles = models.JSONField(default=list)
    inviter = TenantForeignKey(Member, null=True)
    inviter_key = models.CharField(max_length=40, blank=True)
    token_fingerprint = models.CharField(max_length=120)
    state = models.CharField(max_length=16, choices=InvitationState, default=InvitationState.PENDING)
    expires_at = models.DateTimeField()
    sent_at = models.DateTimeField(default=timezone.now)
    sent_count = models.PositiveSmallIntegerField(default=1)
    decided_at = models.DateTimeField(null=True)
    member = TenantForeignKey(Member, null=True)
    metadata = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant_id", "email_search", "organization"],
                condition=models.Q(state="pending"),
                name="invitations_one_pending",
                nulls_distinct=False,
            ),
            models.UniqueConstraint(fields=["tenant_id", "token_fingerprint"], name="invitations_token"),
        ]
        indexes = [
            models.Index(fields=["tenant_id", "state", "id"], name="invitations_state"),
            models.Index(fields=["tenant_id", "email_search"], name="invitations_email"),
            # For the person who has proved the address, over all tenants: see invitations.own.
            models.Index(
                fields=["email_search"], name="invitations_waiting", condition=models.Q(state="pending")
            ),
        ]

    @property
    def effective_state(self) -> str:
        """Expiry is decided whenever it is asked for, never by a clean-up job."""
        if self.state == InvitationState.PENDING and self.expires_at <= timezone.now():
            return InvitationState.EXPIRED
        return self.state

    @property
    def is_open(self) -> bool:
        return self.effective_state == InvitationState.PENDING
