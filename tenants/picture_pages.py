"""Members' pictures at the addresses that their `picture` claims name: whoever was told one may show it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from core import scope
from core.errors import NotFound
from core.urls import tenant_slug
from tenants import selectors
from tenants.models import MemberPicture


@require_safe
def member_picture(request: HttpRequest, token: str) -> HttpResponse:
    slug = tenant_slug(request)
    tenant = selectors.by_slug(slug) if slug and token.isprintable() else None
    if tenant is None:
        raise NotFound
    with scope.tenant(tenant.id):
        row = MemberPicture.objects.filter(tenant_id=tenant.id, token=token).first()
    if row is None:
        raise NotFound
    response = HttpResponse(bytes(row.content), content_type=row.media_type)
    response.headers["Cache-Control"] = "private, max-age=300"  # short: it may be taken back
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
