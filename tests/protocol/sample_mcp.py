"""A small resource server in the manner of an MCP server: bearer tokens, scopes per tool, no metadata code.

It asks the authorization server about each token (RFC 7662) and links to the metadata hosted there.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

TOOLS = {"list_tickets": "ticket:read", "close_ticket": "ticket:write"}


class SampleServer:
    """`introspect` gets a token and returns the answer of introspection for this server."""

    def __init__(self, audience: str, metadata: str, introspect: Callable[[str], dict[str, Any]]) -> None:
        self.audience, self.metadata, self.introspect = audience, metadata, introspect

    def call(self, tool: str, authorization: str = "") -> tuple[int, dict[str, str], dict[str, Any]]:
        """Answer a call as (status, headers, body)."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            return self.refuse(401)
        found = self.introspect(token)
        if not found["active"]:
            return self.refuse(401, error="invalid_token")
        if TOOLS[tool] not in found["scope"].split():
            return self.refuse(403, error="insufficient_scope", scope=TOOLS[tool])
        if "refusal" in found:
            refusal = found["refusal"]
            return refusal["status"], refusal["headers"], refusal["body"]
        return 200, {}, {"tool": tool, "subject": found["sub"]}

    def refuse(self, status: int, **parts: str) -> tuple[int, dict[str, str], dict[str, Any]]:
        parts = {"realm": "tickets", **parts, "resource_metadata": self.metadata}
        challenge = "Bearer " + ", ".join(f'{name}="{value}"' for name, value in parts.items())
        return status, {"WWW-Authenticate": challenge}, {"error": parts.get("error", "")}

    def wsgi(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        tool = environ["PATH_INFO"].strip("/")
        status, headers, body = self.call(tool, environ.get("HTTP_AUTHORIZATION", ""))
        start_response(f"{status} Answer", [("Content-Type", "application/json"), *headers.items()])
        return [json.dumps(body).encode()]
