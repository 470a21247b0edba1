"""Codes and the token families that descend from them."""

from __future__ import annotations

import uuid

from django.db import models
from oauth2_provider.models import AbstractGrant, AbstractRefreshToken

from core.models import TenantForeignKey, TenantModel
from tenants.models import Member, TenantSession

from .clients import Application


class Grant(TenantModel, AbstractGrant):
    """An authorization code, remembered after its use so that a replay can end what it issued.

    `token_family` names the tokens that descend from it; `access_jti` the access token it was redeemed for.
    """

    user = None
    code = None
    claims = None
    created = None
    updated = None

    digest = models.CharField(max_length=100)
    application = TenantForeignKey(Application)
    member = TenantForeignKey(Member)
    session = TenantForeignKey(TenantSession)
    organization_id = models.UUIDField(null=True)
    token_family = models.UUIDField(default=uuid.uuid4)
    audience = models.CharField(max_length=300)
    redirect_sent = models.BooleanField(default=True)
    dpop_jkt = models.CharField(max_length=43, blank=True, default="")  # the key that must redeem it
    acr = models.CharField(max_length=40, blank=True)
    amr = models.JSONField(default=list)
    auth_time = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    access_jti = models.CharField(max_length=64, blank=True)
    access_expires_at = models.DateTimeField(null=True)
    requested_claims = models.JSONField(default=dict)  # consented ones of the `claims` parameter, by place
    within_session = models.BooleanField(default=False)  # the person allowed it for this session only
    grant_until = models.DateTimeField(null=True)  # or until then

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant_id", "digest"], name="oauth_grant_digest")]
        indexes = [
            models.Index(fields=["tenant_id", "token_family"], name="oauth_grant_family"),
            models.Index(fields=["expires"], name="oauth_grant_expiry"),
        ]


class RefreshToken(TenantModel, AbstractRefreshToken):
    """One link of a token family. `expires` is the family's absolute end and is inherited by each link.

    `ends_with_session` families are worth what their session is worth; the others have `offline_access`.
    """

    user = None
    token = None
    token_checksum = None
    access_token = None
    created = None
    updated = None

    digest = models.CharField(max_length=100)
    application = TenantForeignKey(Application)
    member = TenantForeignKey(Member)
    session = TenantForeignKey(TenantSession, null=True)
    organization_id = models.UUIDField(null=True)
    token_family = models.UUIDField()
    scope = models.TextField()
    audience = models.CharField(max_length=300)
    ends_with_session = models.BooleanField()
    confirmation = models.CharField(max_length=120, blank=True, default="")  # the key it is bound to
    acr = models.CharField(max_length=40, blank=True)  # of the sign-in: kept, since its session may be gone
    amr = models.JSONField(default=list)
    auth_time = models.DateTimeField()
    expires = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    access_jti = models.CharField(max_length=64, blank=True)
    access_expires_at = models.DateTimeField(null=True)
    requested_claims = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant_id", "digest"], name="oauth_refresh_digest")]
        indexes = [
            models.Index(fields=["tenant_id", "token_family"], name="oauth_refresh_family"),
            models.Index(fields=["tenant_id", "member"], name="oauth_refresh_member"),
            models.Index(fields=["tenant_id", "session"], name="oauth_refresh_session"),
            models.Index(fields=["expires"], name="oauth_refresh_expiry"),
        ]
