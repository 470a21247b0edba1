"""The hot paths of the product, each with what a first release may cost (CPU ms over all processes)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import httpx

from bench.client import CONNECTIONS, Connection, Request, drive, form, in_json, repeat, spread
from bench.person import Person
from embedded.installation import Installation

NEW_TOKENS = 300
PASSWORDS = 20


@dataclass(frozen=True)
class Operation:
    """`run(count)` does it so often and returns how often; `count` fits into the rate limits.

    `goal` is in milliseconds where the floor costs 0.04 ms; `hashes` is one in checks of a password.
    """

    name: str
    run: Callable[[int], int]
    count: int
    goal: float | None = None
    hashes: float | None = None


class Operations:
    """The operations against an installation's demo tenant."""

    def __init__(self, installation: Installation) -> None:
        self.port = installation.port
        self.tenant: dict[str, Any] = installation.demo["tenants"]["acme"]
        self.path = urlsplit(self.tenant["issuer"]).path
        self.key = self.tenant["api_keys"]["admin"]
        machine = self.tenant["applications"]["machine"]
        self.machine = {"Authorization": _basic(machine["client_id"], machine["client_secret"])}

    def all(self) -> Iterator[Operation]:
        yield Operation("discovery", self._get("/.well-known/openid-configuration"), 2000, 0.12)
        yield Operation("JWKS", self._get("/.well-known/jwks.json"), 2000, 0.12)
        key = {"X-API-Key": self.key}
        other = {"X-API-Key": self.tenant["api_keys"]["reader"]}  # each key has 3000 calls a minute
        yield Operation("API key: verify", self._get("/v1/principal", other), 1000, 0.16)
        yield Operation("API key: GET /v1/tenant", self._get("/v1/tenant", key), 1000)
        yield Operation("API key: exchange", self._exchange, 1000, 0.30)
        yield Operation("client credentials", self._client_credentials, 800, 0.95)
        yield from self._introspections()
        yield from self._with_a_person()

    def _with_a_person(self) -> Iterator[Operation]:
        person = Person(self.tenant, self.tenant["member"])
        yield from self._pages(person)
        yield Operation("password sign-in, 3 pages", self._sign_in, 12)
        known = Person(self.tenant, self.tenant["member"])
        known.sign_in()
        back = iter([self._at_password(known.in_another_tab()) for _ in range(2 * PASSWORDS)])
        yield Operation("password form", lambda count: _passwords(back, count), PASSWORDS, hashes=1.3)
        new = iter(
            [self._at_password(Person(self.tenant, self.tenant["member"])) for _ in range(2 * PASSWORDS)]
        )
        yield Operation("password form, new device", lambda count: _passwords(new, count), PASSWORDS)
        tokens = person.redeem(*person.code())
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        yield Operation("userinfo", self._get("/oauth/userinfo", bearer), 800, 0.60)
        yield Operation("GET /v1/me", self._get("/v1/me", bearer), 200)
        people = [person, *(self._signed_in() for _ in range(CONNECTIONS - 1))]
        held = [(one, one.redeem(*one.code())) for one in people]
        yield Operation("code + PKCE, both requests", lambda count: spread(people, count, _codes), 160, 4.0)
        yield Operation("refresh with rotation", lambda count: spread(held, count, _refreshes), 240, 2.0)

    def _pages(self, person: Person) -> Iterator[Operation]:
        yield Operation("page: sign-in", self._get("/sign-in"), 200, 10.0)
        asked = person.again(person.password_page())
        yield Operation("page: password", lambda count: drive(self.port, repeat(asked, count)), 200, 10.0)
        person.sign_in()
        consent = person.again(person.consent_page())
        yield Operation("page: consent", lambda count: drive(self.port, repeat(consent, count)), 200, 10.0)

    def _signed_in(self) -> Person:
        person = Person(self.tenant, self.tenant["member"])
        person.sign_in()
        return person

    def _at_password(self, person: Person) -> tuple[Person, httpx.Response]:
        return person, person.password_page()

    def _get(self, path: str, headers: dict[str, str] | None = None) -> Callable[[int], int]:
        request = Request("GET", self.path + path, headers or {})
        return lambda count: drive(self.port, repeat(request, count))

    def _exchange(self, count: int) -> int:
        request = in_json(f"{self.path}/v1/auth/token", {"grant_type": "api_key", "api_key": self.key})
        return drive(self.port, repeat(request, count))

    def _client_credentials(self, count: int) -> int:
        return drive(self.port, repeat(self._token_request(), count))

    def _token_request(self) -> Request:
        return form(f"{self.path}/oauth/token", {"grant_type": "client_credentials"}, self.machine)

    def _introspections(self) -> Iterator[Operation]:
        """Tokens are made outside of the measurement: one to be asked about again and again, and fresh ones."""
        seen = self._question(self._token())
        fresh = iter([self._question(self._token()) for _ in range(2 * NEW_TOKENS)])
        run_seen, run_new = (
            lambda count: drive(self.port, repeat(seen, count)),
            lambda count: drive(self.port, islice(fresh, count)),
        )
        yield Operation("introspection, token seen", run_seen, 800, 0.35)
        yield Operation("introspection, token new", run_new, NEW_TOKENS, 0.70)

    def _question(self, token: str) -> Request:
        return form(f"{self.path}/oauth/introspect", {"token": token}, self.machine)

    def _token(self) -> str:
        token: str = json.loads(Connection(self.port).send(self._token_request()))["access_token"]
        return token

    def _sign_in(self, count: int) -> int:
        for _ in range(count):
            Person(self.tenant, self.tenant["member"]).sign_in()
        return count


def _passwords(waiting: Iterator[tuple[Person, httpx.Response]], count: int) -> int:
    for person, page in islice(waiting, count):
        person.give_password(page)
    return count


def _codes(person: Person, count: int) -> None:
    for _ in range(count):
        person.redeem(*person.code())


def _refreshes(held: tuple[Person, dict[str, Any]], count: int) -> None:
    person, tokens = held
    for _ in range(count):
        fields = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        tokens.update(person.token(fields))


def _basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()
