"""`/v1/openapi.json`: the OpenAPI 3.1 document, made from the declared operations, once per process."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from drf_spectacular.generators import SchemaGenerator

from core.front import Document, public, respond

SECURITY = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An access token (JWT), an API key, or a token of one's own account where so said.",
    },
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


_described: dict[tuple[str, str], dict[str, Any]] = {}


def describe(path: str, method: str, operation: dict[str, Any]) -> None:
    """Add an operation that no Endpoint declares: a plain view on a hot path."""
    _described[path, method] = operation


@cache
def document() -> dict[str, Any]:
    """Return the document as a mapping; treat it as read-only."""
    made: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    made["servers"] = [
        {"url": settings.ORIGIN, "description": "The tenant is the credential's."},
        {
            "url": f"{settings.ORIGIN}/t/{{tenant}}",
            "description": "The tenant is named; another one's credential is refused.",
            "variables": {"tenant": {"default": "acme"}},
        },
    ]
    for (path, method), operation in sorted(_described.items(), key=lambda item: item[0]):
        made["paths"].setdefault(path, {})[method] = operation
    made.setdefault("components", {})["securitySchemes"] = SECURITY
    return made


@cache
def _written() -> Document:
    body = json.dumps(document(), separators=(",", ":")).encode()
    headers = (("Cache-Control", "public, max-age=300"), ("Access-Control-Allow-Origin", "*"))
    return Document(body, f'"{hashlib.sha256(body).hexdigest()[:24]}"', headers)


@public
def openapi(request: HttpRequest) -> HttpResponse:
    return respond(request, _written())
