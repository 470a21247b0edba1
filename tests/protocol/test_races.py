"""What is good once is good once (threats O3, O8, O11, R3): see `races`."""

from __future__ import annotations

import base64
import json
import secrets
import time
import uuid
from urllib.parse import quote_plus, urlencode

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from core import scope
from oauth import device_approval, initial_access_tokens
from oauth.client_auth import ASSERTION_TYPE
from oauth.decisions import Decision
from tests.factories import Browser, make_cast, make_principal
from tests.oauth import fake_bridge
from tests.oauth.helpers import REDIRECT, register
from tests.protocol.hosted_pages import HostedPages
from tests.protocol.races import ROUNDS, Shot, path_of, race
from tests.protocol.relying_party import RelyingParty

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
LOSING = {400, 401, 403, 429}

pytestmark = pytest.mark.timeout(120 + 30 * ROUNDS)


@pytest.fixture(scope="module")
def cast():
    return make_cast()


@pytest.fixture(scope="module")
def browser(cast):
    return HostedPages(cast.member, REDIRECT)


def client_of(cast, served, type="spa", **settings):
    return RelyingParty(served.issuer(cast.acme), register(cast.acme, type, **settings))


def only_one(served, prepare, wins=lambda answer: answer.status in (200, 201)):
    outcome = race(served.port, prepare, wins=wins)
    assert outcome.winners == {1: ROUNDS}, outcome
    assert outcome.statuses.keys() <= LOSING | {200, 201, 302, 303}, outcome
    print(f"{ROUNDS} rounds: {dict(outcome.statuses)}")


def token_shot(client, fields, **headers):
    return Shot(path_of(client.configuration["token_endpoint"]), fields, headers)


def redemption(client, code):
    return {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": client.client_id,
        "redirect_uri": client.redirect_uri,
        "code_verifier": client.verifier,
    }


def fresh(make, rounds=40):
    """A client for every few rounds: each has its share of the rate limits, however long the race."""
    while True:
        client = make()
        for _ in range(rounds):
            yield client


def test_O3_one_code(cast, served, browser):
    clients = fresh(lambda: client_of(cast, served))

    def prepare():
        client = next(clients)
        code = client.code_of(browser.go(client.request()))
        return token_shot(client, redemption(client, code))

    only_one(served, prepare)


def test_O3_one_refresh_token(cast, served, browser):
    """Without grace: the others end the family (RFC 9700 §4.14.2)."""
    clients = fresh(lambda: client_of(cast, served))

    def prepare():
        client = next(clients)
        tokens = client.tokens(browser, scope="openid")
        fields = {"grant_type": "refresh_token", "client_id": client.client_id}
        return token_shot(client, {**fields, "refresh_token": tokens["refresh_token"]})

    only_one(served, prepare)


def test_O11_one_device_code(cast, served):
    """Approved by the person in between; the device polls fifty times at once."""
    clients = fresh(lambda: client_of(cast, served, "device", redirect_uris=[], scopes=["openid"]))

    def prepare():
        client = next(clients)
        fields = {"client_id": client.client_id, "scope": "openid"}
        begun = httpx.post(client.configuration["device_authorization_endpoint"], data=fields).json()
        signed = fake_bridge.enter(Browser(), cast.member)
        asking = device_approval.claim(cast.acme, signed.member.id, begun["user_code"])
        allowed = Decision(is_given=True, scopes=("openid",))
        assert device_approval.decide(cast.acme, signed, asking, allowed)
        poll = {"grant_type": DEVICE, "client_id": client.client_id, "device_code": begun["device_code"]}
        return token_shot(client, poll)

    only_one(served, prepare)


def test_O8_one_client_assertion(cast, served):
    key = ECKey.generate_key("P-256")
    public = key.as_dict(False) | {"kid": "k1", "alg": "ES256"}
    client = client_of(cast, served, "machine", auth_method="private_key_jwt", jwks={"keys": [public]})

    def prepare():
        now = int(time.time())
        claims = {
            "iss": client.client_id, "sub": client.client_id, "aud": client.issuer,
            "iat": now, "exp": now + 60, "jti": secrets.token_urlsafe(16),
        }  # fmt: skip
        proof = jwt.encode({"alg": "ES256", "kid": "k1"}, claims, key)
        fields = {"client_assertion": proof, "client_assertion_type": ASSERTION_TYPE}
        return token_shot(client, {"grant_type": "client_credentials", **fields})

    only_one(served, prepare)


def dpop_proof(key, address, method="POST"):
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.as_dict(False)}
    claims = {"jti": str(uuid.uuid4()), "htm": method, "htu": address, "iat": int(time.time())}
    return jwt.encode(header, claims, key)


def basic(client):
    pair = f"{quote_plus(client.client_id)}:{quote_plus(client.app.secret)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def test_T4_one_dpop_proof(cast, served):
    client = client_of(cast, served, "machine")
    key = ECKey.generate_key("P-256")

    def prepare():
        proof = dpop_proof(key, client.configuration["token_endpoint"])
        return token_shot(
            client, {"grant_type": "client_credentials"}, DPoP=proof, Authorization=basic(client)
        )

    only_one(served, prepare)


def test_O7_one_pushed_request(cast, served, browser):
    """RFC 9126 §7.3: the reference becomes one code, however many tabs bring it."""

    def consented():
        client = client_of(cast, served)
        client.tokens(browser)  # signed in, and consent is on record
        return client

    clients = fresh(consented)

    def prepare():
        client = next(clients)
        client.request()
        pushed = client.post("pushed_authorization_request_endpoint", client.sent)
        assert pushed.status_code == 201, pushed.text
        query = urlencode({"client_id": client.client_id, "request_uri": pushed.json()["request_uri"]})
        path = f"{path_of(client.configuration['authorization_endpoint'])}?{query}"
        return Shot(path, headers={"Cookie": cookies_of(browser)}, body=b"", method="GET")

    only_one(served, prepare, wins=lambda answer: "code=" in answer.location)


def cookies_of(browser):
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.http.cookies.jar)


def test_O10_one_registration_for_a_token_of_one_use(cast, served):
    def prepare():
        with scope.tenant(cast.acme.id):
            issued = initial_access_tokens.create_initial_access_token(
                actor=make_principal(cast.acme),
                name="Race",
                max_uses=1,
                redirect_uris=["https://app.example/"],
            )
        body = json.dumps({"redirect_uris": [REDIRECT], "client_name": "Racer"}).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {issued.secret}"}
        path = f"/t/{cast.acme.slug}/oauth/register"
        return Shot(path, headers=headers, body=body)

    only_one(served, prepare)
