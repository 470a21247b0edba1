"""How clients come to be registered: initial access tokens, documents at a client's own address, known hosts."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.utils import timezone

from core.models import TenantForeignKey, TenantModel


class InitialAccessToken(TenantModel):
    """Lets whoever holds it register clients within limits (RFC 7591 §1.2); only a digest is kept.

    Each limit is a closed list. `redirect_uris` are beginnings: an exact origin and a path prefix. `uses`
    counts what was registered and never passes `max_uses`.
    """

    PREFIX = "iat"

    name = models.CharField(max_length=120)
    digest = models.CharField(max_length=100)
    hint = models.CharField(max_length=8)
    redirect_uris = models.JSONField(default=list)  # empty: any address that the rules for redirects admit
    grants = models.JSONField(default=list)
    scopes = models.JSONField(default=list)
    max_uses = models.PositiveIntegerField()
    uses = models.PositiveIntegerField(default=0)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    created_by = models.CharField(max_length=120)
    metadata = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant_id", "digest"], name="oauth_iat_digest")]
        indexes = [models.Index(fields=["digest"], name="oauth_iat_lookup")]

    @property
    def status(self) -> str:
        """`active`, `used_up`, `expired` or `revoked`, decided whenever it is asked for."""
        return self.status_at(timezone.now())

    def status_at(self, now: datetime) -> str:
        if self.revoked_at:
            return "revoked"
        if self.expires_at <= now:
            return "expired"
        return "active" if self.uses < self.max_uses else "used_up"


class ClientHost(TenantModel):
    """Since when a tenant knows a host to which clients send people back (NEW-12)."""

    host = models.CharField(max_length=255)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant_id", "host"], name="oauth_client_host_once")]


class ClientDocument(TenantModel):
    """What is known of a Client ID Metadata Document: when it was read, and until when that may be believed."""

    application = TenantForeignKey("oauth.Application")
    fetched_at = models.DateTimeField()
    expires_at = models.DateTimeField()  # by its cache headers, within our bounds
    tried_at = models.DateTimeField()
    etag = models.CharField(max_length=200, blank=True)
    digest = models.CharField(max_length=64)
    fault = models.CharField(max_length=300, blank=True)  # why the last reading was of no use

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "application"], name="oauth_client_document_once"),
        ]
