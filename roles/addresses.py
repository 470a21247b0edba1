"""Where the metadata of an API resource stands (RFC 9728 §3)."""

from __future__ import annotations

from django.conf import settings

from core.urls import issuer
from roles.models import ApiResource

WELL_KNOWN = ".well-known/oauth-protected-resource"


def metadata_address(slug: str, resource: ApiResource) -> str:
    """Return the address of a resource's metadata: path-inserted where the resource is under our issuer,

    else the copy that we host for it.
    """
    base = issuer(slug)
    if resource.audience.startswith(f"{base}/"):
        return f"{settings.ORIGIN}/{WELL_KNOWN}/t/{slug}/{resource.audience.removeprefix(f'{base}/')}"
    return f"{base}/resources/{resource.public_id}/{WELL_KNOWN}"
