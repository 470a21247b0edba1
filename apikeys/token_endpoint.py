"""`POST /v1/auth/token`: a plain view, because every service of a customer passes here each hour."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from apikeys.errors import UnsupportedGrantType
from apikeys.exchange import exchange
from core.api.parsing import read_json
from core.errors import (
    AmbiguousCredentials,
    FieldError,
    MethodNotAllowed,
    NotFound,
    UnsupportedMediaType,
    ValidationFailed,
)
from core.machine_http import json_response
from core.urls import tenant_slug
from tenants import selectors as tenants
from tenants.selectors import TenantRef

FIELDS = frozenset({"grant_type", "api_key", "scope", "audience"})
GRANT = "api_key"
HEADERS = {"Cache-Control": "no-store", "Pragma": "no-cache"}


@csrf_exempt
def token(request: HttpRequest) -> HttpResponse:
    """Answer `{access_token, token_type, expires_in, scope, tenant_id, organization_id}`."""
    if request.method != "POST":
        raise MethodNotAllowed(headers={"Allow": "POST"})
    if "HTTP_AUTHORIZATION" in request.META or "HTTP_X_API_KEY" in request.META:
        raise AmbiguousCredentials("Send the key in the body alone, without an Authorization header.")
    if request.content_type != "application/json":
        raise UnsupportedMediaType
    body = _read(read_json(request.body))
    issued = exchange(
        body["api_key"], scope=body.get("scope"), audience=body.get("audience"), tenant=_addressed(request)
    )
    return json_response(issued.document(), headers=HEADERS)


def _addressed(request: HttpRequest) -> TenantRef | None:
    slug = tenant_slug(request)
    if slug is None:
        return None
    tenant = tenants.by_slug(slug)
    if tenant is None:
        raise NotFound
    return tenant


def _read(body: dict[str, Any]) -> dict[str, str]:
    """Return the members of the body; raises ValidationFailed naming each that is wrong."""
    unknown, missing = body.keys() - FIELDS, {"grant_type", "api_key"} - body.keys()
    wrong = {name for name in FIELDS & body.keys() if not isinstance(body[name], str)}
    if unknown or missing or wrong:
        raise ValidationFailed(
            errors=[
                *(FieldError(f"/{name}", "unknown_field", "Not known here.") for name in sorted(unknown)),
                *(FieldError(f"/{name}", "required", "This field is required.") for name in sorted(missing)),
                *(FieldError(f"/{name}", "invalid", "Must be a string.") for name in sorted(wrong)),
            ]
        )
    if body["grant_type"] != GRANT:
        raise UnsupportedGrantType
    return body
