"""One request of a browser to the authorization endpoint or its consent page."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest

from oauth.authorization import AuthorizationRequest
from oauth.marks import Mark
from tenants.selectors import TenantRef


@dataclass(frozen=True)
class Visit:
    """`status` is that of a redirect to the client: 303 behind a form (RFC 9700 §4.12)."""

    request: HttpRequest
    tenant: TenantRef
    wanted: AuthorizationRequest
    mark: Mark
    status: int = 302
