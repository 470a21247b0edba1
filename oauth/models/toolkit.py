"""Relations that the toolkit insists on and that our self-contained tokens leave empty."""

from __future__ import annotations

import uuid

from django.db import models
from oauth2_provider.models import AbstractAccessToken, AbstractIDToken

from core.models import TenantForeignKey, TenantModel
from tenants.models import Member

from .clients import Application


class AccessToken(TenantModel, AbstractAccessToken):
    """The toolkit's relation. Our access tokens are self-contained and write no row here."""

    user = None
    token = None
    token_checksum = None
    source_refresh_token = None
    id_token = None
    created = None
    updated = None

    digest = models.CharField(max_length=100)
    application = TenantForeignKey(Application)
    member = TenantForeignKey(Member, null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant_id", "digest"], name="oauth_access_digest")]


class IDToken(TenantModel, AbstractIDToken):
    """The toolkit's relation. Our ID tokens are self-contained and write no row here."""

    user = None
    created = None
    updated = None

    jti = models.UUIDField(default=uuid.uuid4, editable=False)
    application = TenantForeignKey(Application)
    member = TenantForeignKey(Member, null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant_id", "jti"], name="oauth_idtoken_jti")]
