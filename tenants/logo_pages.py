"""The tenant's logos, for anybody who sees its hosted pages. The address names the content, so it never changes."""

from __future__ import annotations

import re

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from core import scope
from core.errors import NotFound
from core.urls import tenant_slug
from tenants import selectors
from tenants.models import Logo

DIGEST = re.compile(r"[0-9a-f]{64}\Z")


@require_safe
def brand_logo(request: HttpRequest, digest: str) -> HttpResponse:
    slug = tenant_slug(request)
    tenant = selectors.by_slug(slug) if slug and DIGEST.match(digest) else None
    if tenant is None:
        raise NotFound
    with scope.tenant(tenant.id):
        row = Logo.objects.filter(tenant_id=tenant.id, digest=digest).first()
    if row is None:
        raise NotFound
    response = HttpResponse(bytes(row.content), content_type=row.media_type)
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
