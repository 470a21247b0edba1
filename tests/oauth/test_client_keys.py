"""Keys of clients by address: fetched with care, remembered, and fetched anew for a new key (threats T1, W1)."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.conf import settings
from django.test import override_settings

from core import jose, remote_keys
from core.errors import ValidationFailed
from oauth import client_keys
from oauth.client_auth import ASSERTION_TYPE
from tests.factories import Browser, make_cast, make_member
from tests.factories import access_token as token_of
from tests.oauth.helpers import assertion, register, token


@pytest.fixture(scope="module")
def cast():
    return make_cast()


class Publisher:
    """A client's server: answers `body` with `status`, and counts how often it was asked."""

    def __init__(self) -> None:
        self.calls, self.status, self.headers, self.url = 0, 200, {}, ""
        self.body = b"{}"

    def publish(self, *keys, **headers):
        self.body = json.dumps({"keys": [jose.public_jwk(key) for key in keys]}).encode()
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


@contextmanager
def publishing(*, allowed=True):
    publisher = Publisher()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            publisher.calls += 1
            self.send_response(publisher.status)
            self.send_header("Content-Length", str(len(publisher.body)))
            for name, value in publisher.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(publisher.body)

        def log_message(self, *_):
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    publisher.url = f"http://127.0.0.1:{server.server_address[1]}/jwks.json"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    more = [f"127.0.0.1:{server.server_address[1]}"] if allowed else []
    try:
        with override_settings(OUTBOUND_ALLOW=[*settings.OUTBOUND_ALLOW, *more]):
            yield publisher
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def publisher():
    with publishing() as made:
        yield made


@pytest.fixture
def clock(monkeypatch):
    """Move the clock that fetches are timed by."""

    class Clock:
        now = 10_000.0

        def monotonic(self):
            return self.now

    made = Clock()
    monkeypatch.setattr(remote_keys, "time", made)
    return made


def client(tenant, url):
    return register(tenant, "machine", auth_method="private_key_jwt", jwks_uri=url).application.client_id


def ask(tenant, client_id, key):
    proof = assertion(key, client_id, tenant.issuer)
    parameters = {"grant_type": "client_credentials", "client_assertion": proof}
    return token(tenant, {**parameters, "client_assertion_type": ASSERTION_TYPE}).status_code


def test_keys_are_fetched_once_and_remembered(cast, publisher, clock):
    key = jose.generate_key("ES256")
    publisher.publish(key)
    client_id = client(cast.acme, publisher.url)
    assert [ask(cast.acme, client_id, key) for _ in range(3)] == [200] * 3
    assert publisher.calls == 1


def test_new_key_is_found_and_a_removed_one_is_dropped(cast, publisher, clock):
    old, new = jose.generate_key("ES256"), jose.generate_key("PS256")
    publisher.publish(old)
    client_id = client(cast.acme, publisher.url)
    assert ask(cast.acme, client_id, old) == 200
    publisher.publish(new)
    clock.now += 61
    assert ask(cast.acme, client_id, new) == 200
    assert ask(cast.acme, client_id, old) == 401


def test_W1_unknown_keys_fetch_at_most_once_a_minute(cast, publisher, clock):
    known = jose.generate_key("ES256")
    publisher.publish(known)
    client_id = client(cast.acme, publisher.url)
    assert ask(cast.acme, client_id, known) == 200
    for _ in range(5):
        assert ask(cast.acme, client_id, jose.generate_key("ES256")) == 401
    assert publisher.calls == 2
    clock.now += 61
    for _ in range(5):
        assert ask(cast.acme, client_id, jose.generate_key("ES256")) == 401
    assert publisher.calls == 3
    assert ask(cast.acme, client_id, known) == 200


def test_R11_a_key_rotated_right_after_a_fetch_is_found_at_once(cast, publisher, clock):
    old, new = jose.generate_key("ES256"), jose.generate_key("ES256")
    publisher.publish(old)
    client_id = client(cast.acme, publisher.url)
    assert ask(cast.acme, client_id, old) == 200
    publisher.publish(new)
    assert ask(cast.acme, client_id, new) == 200
    assert ask(cast.acme, client_id, old) == 401
    assert publisher.calls == 2


def test_answer_is_believed_as_long_as_it_says_within_bounds(cast, publisher, clock):
    key = jose.generate_key("ES256")
    publisher.publish(key, Cache_Control="max-age=999999")
    client_id = client(cast.acme, publisher.url)
    ask(cast.acme, client_id, key)
    clock.now += 3590
    ask(cast.acme, client_id, key)
    assert publisher.calls == 1
    clock.now += 20
    ask(cast.acme, client_id, key)
    assert publisher.calls == 2


def test_old_keys_go_on_for_an_hour_while_the_address_does_not_answer(cast, publisher, clock):
    key = jose.generate_key("ES256")
    publisher.publish(key)
    client_id = client(cast.acme, publisher.url)
    assert ask(cast.acme, client_id, key) == 200
    publisher.status = 500
    clock.now += 700
    assert ask(cast.acme, client_id, key) == 200
    clock.now += 3600
    assert ask(cast.acme, client_id, key) == 401
    publisher.status = 200
    clock.now += 61
    assert ask(cast.acme, client_id, key) == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"[]",
        b'{"keys": 1}',
        b'{"keys": [1, {}, {"kty": "oct", "k": "AAAA"}]}',
        b"x" * 100_000,
    ],
)
def test_T3_hostile_answer_gives_no_key(cast, publisher, clock, body):
    publisher.body = body
    client_id = client(cast.acme, publisher.url)
    assert ask(cast.acme, client_id, jose.generate_key("ES256")) == 401


def test_W1_redirect_is_not_followed(cast, publisher, clock):
    key = jose.generate_key("ES256")
    with publishing() as other:
        other.publish(key)
        publisher.status, publisher.headers = 302, {"Location": other.url}
        assert ask(cast.acme, client(cast.acme, publisher.url), key) == 401
        assert other.calls == 0


def test_W1_address_that_may_not_be_called_cannot_be_registered(cast):
    with publishing(allowed=False) as inner:
        for address in (
            inner.url,
            "https://127.0.0.1/jwks",
            "https://localhost/jwks",
            "ftp://x.example/",
            "x",
        ):
            with pytest.raises(ValidationFailed):
                client(cast.acme, address)
        assert inner.calls == 0


def test_jwks_and_jwks_uri_are_not_both_taken(cast, publisher):
    jwks = {"keys": [jose.public_jwk(jose.generate_key("ES256"))]}
    with pytest.raises(ValidationFailed):
        register(cast.acme, "machine", auth_method="private_key_jwt", jwks=jwks, jwks_uri=publisher.url)


def test_many_at_once_fetch_once(cast, publisher, clock):
    publisher.publish(jose.generate_key("ES256"))

    class Client:
        jwks_uri = publisher.url

    with_keys = []
    threads = [threading.Thread(target=lambda: with_keys.append(client_keys.of(Client))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert publisher.calls == 1
    assert all(len(keys) == 1 for keys in with_keys)


def test_T1_key_that_names_no_algorithm_is_good_for_those_of_its_type_only(cast):
    """An RSA key signs PS256 or RS256 and nothing else; HS256 with the public key is refused."""
    key = jose.generate_key("RS256")
    jwk = {name: value for name, value in jose.public_jwk(key).items() if name != "alg"}
    app = register(cast.acme, "machine", auth_method="private_key_jwt", jwks={"keys": [jwk]})
    client_id = app.application.client_id
    for alg in ("RS256", "PS256"):
        assert ask(cast.acme, client_id, jose.SigningKey(key.kid, alg, key.private)) == 200, alg
    assert ask(cast.acme, client_id, jose.generate_key("RS256")) == 401


def test_jwks_uri_by_the_api(cast, publisher):
    admin = make_member(cast.acme, roles=["owner"])
    access = token_of(admin, scopes=("applications:read", "applications:write", "members:read"))
    publisher.publish(key := jose.generate_key("ES256"))
    body = {
        "name": "M", "type": "machine", "auth_method": "private_key_jwt", "jwks_uri": publisher.url,
        "scopes": ["members:read"],
    }  # fmt: skip
    made = Browser().api("POST", f"/t/{cast.acme.slug}/v1/applications", access, body)
    assert made.status_code == 201, made.content
    assert made.json()["jwks_uri"] == publisher.url
    assert ask(cast.acme, made.json()["client_id"], key) == 200
