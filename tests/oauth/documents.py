"""A host of Client ID Metadata Documents on loopback, which the operator's list lets us call."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from django.conf import settings
from django.test import override_settings


@dataclass
class Host:
    """`document` is what it answers with; `calls` are the paths and headers it was asked with."""

    port: int = 0
    status: int = 200
    document: Any = None
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    calls: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def address(self, path: str = "/client.json") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def publish(self, path: str = "/client.json", **members: Any) -> str:
        """Set the document of a public client at `path` and return its address."""
        address = self.address(path)
        self.document = {
            "client_id": address,
            "client_name": "Desk tool",
            "redirect_uris": ["http://127.0.0.1/callback"],
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
            **members,
        }
        return address


@contextmanager
def hosting(*, allowed: bool = True) -> Iterator[Host]:
    host = Host()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host.calls.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            body = host.document if isinstance(host.document, bytes) else json.dumps(host.document).encode()
            self.send_response(host.status)
            for name, value in {"Content-Length": str(len(body)), **host.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    host.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    more = [f"127.0.0.1:{host.port}"] if allowed else []
    try:
        with override_settings(OUTBOUND_ALLOW=[*settings.OUTBOUND_ALLOW, *more]):
            yield host
    finally:
        server.shutdown()
        server.server_close()
