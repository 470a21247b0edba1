"""The key exchange in the API's document: a plain view, so its operation is written by hand."""

from __future__ import annotations

from typing import Any

from core.api.openapi import describe

STRING = {"type": "string"}
REQUEST = {
    "type": "object",
    "properties": {
        "grant_type": {"type": "string", "const": "api_key"},
        "api_key": {"type": "string", "description": "The whole key; it is its own credential."},
        "scope": {"type": "string", "description": "Fewer scopes than the key has, separated by spaces."},
        "audience": {"type": "string", "description": "The API resource that the token is for."},
    },
    "required": ["grant_type", "api_key"],
    "additionalProperties": False,
}
ANSWER = {
    "type": "object",
    "properties": {
        "access_token": STRING,
        "token_type": {"type": "string", "const": "Bearer"},
        "expires_in": {"type": "integer", "description": "Seconds."},
        "scope": STRING,
        "tenant_id": STRING,
        "organization_id": {"type": ["string", "null"]},
    },
    "required": ["access_token", "token_type", "expires_in", "scope"],
}


def _content(schema: dict[str, Any], kind: str = "application/json") -> dict[str, Any]:
    return {"content": {kind: {"schema": schema}}}


PROBLEM = {
    "description": "A problem document (RFC 9457).",
    **_content({"$ref": "#/components/schemas/Problem"}, "application/problem+json"),
}

describe(
    "/v1/auth/token",
    "post",
    {
        "operationId": "create_auth_token",
        "summary": "Exchange an API key for an access token",
        "tags": ["API keys"],
        "security": [{}],
        "x-required-scopes": [],
        "requestBody": {"required": True, **_content(REQUEST)},
        "responses": {
            "200": {"description": "The token.", **_content(ANSWER)},
            "4XX": PROBLEM,
            "5XX": PROBLEM,
        },
    },
)
