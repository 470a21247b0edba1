"""An outside OpenID provider in the test process, on a loopback port that the operator allows."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from django.conf import settings
from django.test import override_settings

from core import jose

AUDIENCE = "their-client"


@cache
def _key() -> jose.SigningKey:
    """The key that every provider starts with: one of RSA takes long to make."""
    return jose.generate_key("RS256")


class Provider:
    """`document` is its discovery document, `keys` what it publishes; both may be changed."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}"
        self.key = _key()
        self.keys = [self.key]
        self.document: dict[str, Any] = {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"}
        self.hits: list[str] = []

    def token(self, subject: str = "person-1", *, key: Any = None, typ: str = "JWT", **changes: Any) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer, "sub": subject, "aud": AUDIENCE, "iat": now, "exp": now + 3600,
            "email": "Pat@example.com", "email_verified": True, "name": "Pat Person", **changes,
        }  # fmt: skip
        given = {name: value for name, value in claims.items() if value is not None}
        return jose.sign(given, key or self.key, typ)

    def answer(self, path: str) -> Any:
        self.hits.append(path)
        if path == "/.well-known/openid-configuration":
            return self.document
        return {"keys": [jose.public_jwk(key) for key in self.keys]} if path == "/keys" else None


_used: set[int] = set()


def _at_a_new_port(handler: type[BaseHTTPRequestHandler]) -> ThreadingHTTPServer:
    """The system gives ports again, and the port is the issuer's name."""
    while True:
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        if server.server_port not in _used:
            _used.add(server.server_port)
            return server
        server.server_close()


@contextmanager
def provider() -> Iterator[Provider]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = running.answer(self.path)
            body = json.dumps(found).encode()
            self.send_response(200 if found is not None else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            return None

    server = _at_a_new_port(Handler)
    running = Provider(server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        with override_settings(OUTBOUND_ALLOW=[*settings.OUTBOUND_ALLOW, f"127.0.0.1:{server.server_port}"]):
            yield running
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
