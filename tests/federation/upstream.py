"""An OpenID provider in the test process that does as told, right or wrong, and a person who says yes there."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

from django.conf import settings
from django.test import override_settings

from core import jose

CLIENT, SECRET = "claviger-client", "a secret + with % signs"


@cache
def key(alg: str) -> jose.SigningKey:
    return jose.generate_key(alg)


class Upstream:
    """`spoil` changes the claims of the next ID tokens; `headers` of the last calls are kept by path."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}"
        self.reset()

    def reset(self) -> None:
        self.keys = [key("ES256"), key("RS256")]
        self.sign_with: jose.SigningKey | None = self.keys[0]
        self.spoil: Callable[[dict[str, Any]], dict[str, Any]] = lambda claims: claims
        self.forge: Callable[[str], str] = lambda token: token
        self.userinfo: dict[str, Any] | None = None  # None: nothing but whose it is
        self.document: dict[str, Any] = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
        }
        self.codes: dict[str, dict[str, Any]] = {}
        self.hits: list[str] = []
        self.registered: dict[str, str] = {}
        self.subject = ""
        self.asked: dict[str, str] = {}

    def answer(self, address: str, subject: str = "person-1", **claims: Any) -> str:
        """What the person's browser brings back from `address`: the path of our callback with code and state."""
        self.asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        code = hashlib.sha256(f"{address}{subject}{time.monotonic()}".encode()).hexdigest()
        self.subject = subject
        self.codes[code] = {**self.asked, "claims": {"sub": subject, **claims}}
        return self.back(code=code)

    def back(self, **answer: str) -> str:
        parts = urlsplit(self.asked["redirect_uri"])
        return f"{parts.path}?{urlencode({'state': self.asked['state'], **answer})}"

    def respond(self, path: str, headers: Any, form: dict[str, str]) -> tuple[int, Any]:
        self.hits.append(path)
        if path == "/.well-known/openid-configuration":
            return 200, self.document
        if path == "/keys":
            return 200, {"keys": [jose.public_jwk(one) for one in self.keys]}
        if path == "/userinfo":
            known = {"sub": self.subject} if self.userinfo is None else self.userinfo
            return (200, known) if headers["Authorization"] == "Bearer theirs" else (401, {})
        return self._token(headers, form) if path == "/token" else (404, {})

    def _token(self, headers: Any, form: dict[str, str]) -> tuple[int, Any]:
        known = self.codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(
            hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        ).rstrip(b"=").decode()  # fmt: skip
        if not self._is_client(headers, form):
            return 401, {"error": "invalid_client"}
        if known is not None and form.get("redirect_uri") != self.registered.get(
            "uri", known["redirect_uri"]
        ):
            return 400, {"error": "invalid_grant", "error_description": "redirect_uri mismatch"}
        if known is None or known["code_challenge"] != challenge:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": known["nonce"]}
        given = self.spoil({**claims, **known["claims"]})
        token = jose.sign({n: v for n, v in given.items() if v is not None}, self.sign_with, "JWT")
        return 200, {"access_token": "theirs", "token_type": "Bearer", "id_token": self.forge(token)}

    def _is_client(self, headers: Any, form: dict[str, str]) -> bool:
        if "client_assertion" in form:
            return jose.unverified_claims(form["client_assertion"])["aud"] == self.issuer
        sent = headers.get("Authorization", "")
        if sent.startswith("Basic "):
            name, _, secret = base64.b64decode(sent[6:]).decode().partition(":")
            return (unquote_plus(name), unquote_plus(secret)) == (CLIENT, SECRET)
        return form.get("client_id") == CLIENT and form.get("client_secret", SECRET) == SECRET


@contextmanager
def running() -> Iterator[Upstream]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer({name: values[0] for name, values in parse_qs(body).items()})

        def _answer(self, form: dict[str, str]) -> None:
            status, found = upstream.respond(self.path, self.headers, form)
            body = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    upstream = Upstream(server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        with override_settings(OUTBOUND_ALLOW=[*settings.OUTBOUND_ALLOW, f"127.0.0.1:{server.server_port}"]):
            yield upstream
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
