"""Keeping uploaded logos: one for each appearance of a tenant, and of an organization where it has its own.

Nothing here asks who may: the services that publish branding do.
"""

from __future__ import annotations

import hashlib
import uuid

from core.errors import NotFound
from core.urls import tenant_path
from tenants import images
from tenants.models import Logo


def keep(*, slug: str, variant: str, content: bytes, organization_id: uuid.UUID | None = None) -> str:
    """Store a logo in the place of the one before; returns its address. Raises ValidationFailed."""
    kind = images.check(content)
    digest = hashlib.sha256(content).hexdigest()
    Logo.objects.update_or_create(
        variant=variant,
        organization_id=organization_id,
        defaults={"digest": digest, "media_type": kind, "content": content},
    )
    return tenant_path(slug, "brand_logo", digest=digest)


def drop(*, variant: str, organization_id: uuid.UUID | None = None) -> None:
    """Take a logo away. Raises NotFound where there is none."""
    if not Logo.objects.filter(variant=variant, organization_id=organization_id).delete()[0]:
        raise NotFound


def drop_all(organization_id: uuid.UUID) -> None:
    Logo.objects.filter(organization_id=organization_id).delete()
