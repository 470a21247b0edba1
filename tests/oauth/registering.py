"""Registering clients over HTTP, as programs do."""

from __future__ import annotations

import json
from typing import Any

from core import scope
from oauth import initial_access_tokens
from tenants.selectors import TenantRef
from tests.factories import Browser, make_principal

REGISTRATION: dict[str, Any] = {"client_name": "Shop", "redirect_uris": ["https://shop.example/cb"]}


def issue(tenant: TenantRef, **options: Any) -> str:
    """Return a new initial access token of the tenant."""
    with scope.tenant(tenant.id):
        return initial_access_tokens.create_initial_access_token(
            actor=make_principal(tenant), name=options.pop("name", "For tests"), **options
        ).secret


def registering(tenant: TenantRef | None, metadata: Any, token: str | None = None, **headers: str) -> Any:
    """POST metadata to the registration endpoint: a tenant's, or that of the bare origin."""
    if token is None:
        assert tenant is not None
        token = issue(tenant)
    body = metadata if isinstance(metadata, bytes) else json.dumps(metadata)
    prefix = f"/t/{tenant.slug}" if tenant else ""
    return send("POST", f"{prefix}/oauth/register", token, body, **headers)


def send(method: str, path: str, token: str, body: Any = b"", **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if token:
        named["Authorization"] = f"Bearer {token}"
    if isinstance(body, dict):
        body = json.dumps(body)
    return Browser().generic(method, path, data=body, content_type="application/json", headers=named)
