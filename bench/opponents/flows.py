"""The measured operations against any server, by its addresses alone."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import httpx

from bench.client import Request, drive, form, repeat
from bench.operations import Operation

REDIRECT = "https://app.example/callback"
HOPS = 8


@dataclass(frozen=True)
class Client:
    client_id: str
    secret: str = field(repr=False)

    @property
    def proof(self) -> dict[str, str]:
        pair = f"{self.client_id}:{self.secret}".encode()
        return {"Authorization": "Basic " + base64.b64encode(pair).decode()}


@dataclass
class Opponent:
    """A server that runs: where its endpoints are, its clients, a person's cookies, its processes to watch.

    `slow` divides the number of operations, where each costs a slow hash.
    """

    name: str
    port: int
    paths: dict[str, str]
    web: Client
    machine: Client
    scope: str
    machine_scope: str
    processes: dict[str, int]
    cookies: dict[str, str] = field(default_factory=dict)
    slow: int = 1

    def operations(self) -> Iterator[Operation]:
        person = Person(self)
        tokens = person.redeem(*person.code())
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        question = form(self.paths["introspect"], {"token": tokens["access_token"]}, self.web.proof)
        own = form(
            self.paths["token"],
            {"grant_type": "client_credentials", "scope": self.machine_scope},
            self.machine.proof,
        )
        yield self._many("discovery", Request("GET", self.paths["discovery"]), 2000)
        yield self._many("client credentials", own, 800 // self.slow)
        yield self._many("introspection, token seen", question, 800 // self.slow)
        yield self._many("userinfo", Request("GET", self.paths["userinfo"], bearer), 800)
        yield Operation("code + PKCE, both requests", person.codes, 100 // min(self.slow, 5))
        yield Operation("refresh with rotation", person.refreshes(tokens), 150 // min(self.slow, 5))

    def _many(self, name: str, request: Request, count: int) -> Operation:
        return Operation(name, lambda many: drive(self.port, repeat(request, many)), count)


class Person:
    """Somebody signed in at the opponent, and the application that they use."""

    def __init__(self, opponent: Opponent) -> None:
        self.at = opponent
        self.origin = f"http://localhost:{opponent.port}"
        self.http = httpx.Client(timeout=30, cookies=opponent.cookies)
        self.programs = httpx.Client(timeout=30)

    def code(self) -> tuple[str, str]:
        """Return a code and its verifier; redirects within the server are followed, to sign in the first time."""
        verifier = secrets.token_urlsafe(48)
        answer = self.http.get(
            f"{self.origin}{self.at.paths['authorize']}?{urlencode(self._question(verifier))}"
        )
        for _ in range(HOPS):
            target = urljoin(str(answer.url), answer.headers.get("Location", ""))
            if target.startswith(REDIRECT):
                found = parse_qs(urlsplit(target).query)
                return found["code"][0], verifier
            if not answer.is_redirect:
                break
            answer = self.http.get(target)
        raise RuntimeError(f"{self.at.name}: no code but {answer.status_code} {answer.text[:300]}")

    def _question(self, verifier: str) -> dict[str, str]:
        digest = hashlib.sha256(verifier.encode()).digest()
        return {
            "response_type": "code",
            "client_id": self.at.web.client_id,
            "redirect_uri": REDIRECT,
            "scope": self.at.scope,
            "state": secrets.token_urlsafe(16),
            "nonce": secrets.token_urlsafe(16),
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }

    def redeem(self, code: str, verifier: str) -> dict[str, Any]:
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": verifier,
            "redirect_uri": REDIRECT,
        }
        return self._token(fields)

    def _token(self, fields: dict[str, str]) -> dict[str, Any]:
        address = f"{self.origin}{self.at.paths['token']}"
        answer = self.programs.post(address, data=fields, headers=self.at.web.proof)
        if answer.status_code != 200:
            raise RuntimeError(f"{self.at.name}: {answer.status_code} {answer.text[:300]}")
        tokens: dict[str, Any] = answer.json()
        return tokens

    def codes(self, count: int) -> int:
        for _ in range(count):
            self.redeem(*self.code())
        return count

    def refreshes(self, tokens: dict[str, Any]) -> Callable[[int], int]:
        def run(count: int) -> int:
            for _ in range(count):
                fields = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
                tokens.update(self._token(fields))
            return count

        return run
