"""Addresses: the tenant prefix in front of Django, and absolute links from the configured origin."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

Environ = dict[str, Any]
SLUG = re.compile(r"/t/([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(/.*|)\Z")


class TenantPrefix:
    """Maps `/t/{slug}/path` to `claviger.tenant` and `/path`.

    It stands in front of Django and leaves SCRIPT_NAME alone: rewriting that would move reversed and
    static addresses by accident.
    """

    def __init__(self, application: Callable[[Environ, Any], Iterable[bytes]]) -> None:
        self.application = application

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        map_tenant(environ)
        return self.application(environ, start_response)


def map_tenant(environ: Environ) -> None:
    """Write `claviger.tenant` and the path beneath it into a WSGI environment."""
    environ.pop("claviger.tenant", None)
    match = SLUG.match(environ.get("PATH_INFO", ""))
    if match:
        environ["claviger.tenant"] = match[1]
        environ["PATH_INFO"] = match[2] or "/"


def tenant_slug(request: Any) -> str | None:
    """Return the slug that the address names, None at the bare origin."""
    slug: str | None = request.environ.get("claviger.tenant")
    return slug


def issuer(slug: str) -> str:
    """Return the tenant's issuer identifier (RFC 8414 §2), from the configured origin, never from Host."""
    return f"{settings.ORIGIN}/t/{quote(slug)}"


def absolute(area: str, name: str, tenant: str = "", **arguments: Any) -> str:
    """Return a full address: `area` is `tenant` (under the issuer) or `origin` (dashboard, portal)."""
    path = reverse(name, kwargs=arguments or None)
    return (issuer(tenant) if area == "tenant" else settings.ORIGIN) + path


def tenant_path(slug: str, name: str, **arguments: Any) -> str:
    """Return a path under the issuer for redirects inside the same origin."""
    return f"/t/{quote(slug)}{reverse(name, kwargs=arguments or None)}"


def own_address(request: HttpRequest) -> str:
    """Return the path and query as the browser asked for them, the tenant's prefix included."""
    slug = tenant_slug(request)
    return (f"/t/{slug}" if slug else "") + request.get_full_path()
