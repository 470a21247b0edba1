"""A relying party at an origin of its own: sends visitors to the issuer and redeems the code they bring back."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from tests.e2e.walker import Walker

PAGE = b"""<!doctype html><html lang="en"><title>Arrived</title><link rel="icon" href="data:,">
<h1>Back at the application</h1></html>"""
ARRIVED = "Back at the application"


class RelyingParty:
    """Serves on a free port; `tenant` is one of `tests.e2e.scene`."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.callback = f"http://localhost:{self._server.server_address[1]}/callback"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def send(self, visitor: Walker, tenant: dict[str, Any], **changes: str) -> str:
        """Send the visitor to the tenant's authorization endpoint; returns the PKCE verifier."""
        verifier = secrets.token_urlsafe(48)
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
        asked = {
            "response_type": "code",
            "client_id": tenant["client"][0],
            "redirect_uri": tenant["callback"],
            "scope": "openid email",
            "state": secrets.token_urlsafe(8),
            "code_challenge": digest.decode(),
            "code_challenge_method": "S256",
            **changes,
        }
        visitor.go(f"{tenant['issuer']}/oauth/authorize?{urlencode(asked)}")
        return verifier

    def receive(self, visitor: Walker, tenant: dict[str, Any], verifier: str) -> dict[str, Any]:
        """Expect the visitor at the callback; returns the claims of the ID token that their code brings, and
        under `access` those of the access token.
        """
        visitor.heading(ARRIVED)
        found = parse_qs(urlsplit(visitor.address).query)
        assert found["iss"] == [tenant["issuer"]]
        answer = httpx.post(
            f"{tenant['issuer']}/oauth/token",
            auth=(tenant["client"][0], tenant["client"][1]),
            data={
                "grant_type": "authorization_code",
                "code": found["code"][0],
                "code_verifier": verifier,
                "redirect_uri": tenant["callback"],
            },
        )
        tokens = answer.raise_for_status().json()
        return {**claims(tokens["id_token"]), "access": claims(tokens["access_token"])}


def claims(token: str) -> dict[str, Any]:
    """Read a token that the issuer has just given us over our own connection."""
    body = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *arguments: Any) -> None:
        return
