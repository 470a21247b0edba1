"""A single-page application on oidc-client-ts as published, served from an origin of its own."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

APP = Path(__file__).parent / "site" / "app.mjs"
PAGE = """<!doctype html><html lang="en"><title>Single page</title><link rel="icon" href="data:,">
<h1 id="state">Starting</h1><p id="said"></p>
<button id="sign-in">Sign in</button> <button id="renew">Renew</button> <button id="revoke">Revoke</button>
<button id="sign-out">Sign out</button>
<script src="/library.js"></script><script type="module" src="/app.mjs"></script></html>"""


class SinglePage:
    """Serves on a free port; `settings` are those of the library's UserManager."""

    def __init__(self, library: Path) -> None:
        self.library = library
        self.settings: dict[str, str] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.origin = f"http://localhost:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def file(self, path: str) -> tuple[str, bytes]:
        if path == "/library.js":
            return "text/javascript", self.library.read_bytes()
        if path == "/app.mjs":
            return "text/javascript", APP.read_bytes()
        if path == "/settings.json":
            return "application/json", json.dumps(self.settings).encode()
        return "text/html; charset=utf-8", PAGE.encode()


def _handler(site: SinglePage) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, body = site.file(self.path.partition("?")[0])
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            return

    return Handler
