"""A small MCP-like resource server that knows only its issuer: it publishes RFC 9728 and checks RFC 9068 tokens."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from typing import Any, Self
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from embedded.installation import free_port

METADATA = "/.well-known/oauth-protected-resource/mcp"


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Requests are the test's business."""


class McpServer:
    """Serves `address`; `calls` notes what each request was answered with."""

    def __init__(self, issuer: str, scope: str) -> None:
        self.issuer, self.scope = issuer, scope
        self.origin = f"http://localhost:{free_port()}"
        self.address = f"{self.origin}/mcp"
        self.calls: list[int] = []
        self.subject = ""

    def __enter__(self) -> Self:
        port = int(self.origin.rpartition(":")[2])
        self.server = make_server("127.0.0.1", port, self.answer, WSGIServer, Quiet)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def answer(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == METADATA:
            return self._send(start, "200 OK", self.metadata())
        if environ["PATH_INFO"] != "/mcp":
            return self._send(start, "404 Not Found", {})
        refusal = self._refusal(environ.get("HTTP_AUTHORIZATION", ""))
        self.calls.append(int(refusal[0][:3]) if refusal else 200)
        if refusal:
            return self._send(start, refusal[0], {}, ("WWW-Authenticate", refusal[1]))
        return self._send(start, "200 OK", {"jsonrpc": "2.0", "id": 1, "result": {"tools": []}})

    def metadata(self) -> dict[str, Any]:
        """RFC 9728 §2."""
        return {
            "resource": self.address,
            "authorization_servers": [self.issuer],
            "scopes_supported": [self.scope],
            "bearer_methods_supported": ["header"],
        }

    def _refusal(self, authorization: str) -> tuple[str, str] | None:
        where = f'resource_metadata="{self.origin}{METADATA}"'
        try:
            scopes = self._verified(authorization.removeprefix("Bearer ")).get("scope", "").split()
        except (JoseError, ValueError, KeyError):
            return "401 Unauthorized", f'Bearer {where}, scope="{self.scope}"'
        if self.scope not in scopes:
            return "403 Forbidden", f'Bearer error="insufficient_scope", scope="{self.scope}", {where}'
        return None

    def _verified(self, token: str) -> dict[str, Any]:
        """RFC 9068 §4."""
        known = httpx.get(f"{self.issuer}/.well-known/oauth-authorization-server").json()
        keys = KeySet.import_key_set(httpx.get(known["jwks_uri"]).json())
        parsed = jwt.decode(token, keys, algorithms=["ES256", "RS256", "PS256", "EdDSA"])
        if parsed.header.get("typ") != "at+jwt":
            raise ValueError("not an access token")
        expected = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": self.issuer}, aud={"essential": True, "value": self.address}
        )
        expected.validate(parsed.claims)
        self.subject = parsed.claims["sub"]
        return dict(parsed.claims)

    @staticmethod
    def _send(
        start: Callable[..., Any], status: str, body: dict[str, Any], *more: tuple[str, str]
    ) -> Iterable[bytes]:
        payload = json.dumps(body).encode()
        start(status, [("Content-Type", "application/json"), ("Content-Length", str(len(payload))), *more])
        return [payload]
