"""RFC 7523 §2.2, §3: clients that prove themselves with a signed assertion (OAU-09, threat O8)."""

from __future__ import annotations

import time

import pytest

from core import jose
from oauth.client_auth import ASSERTION_TYPE
from tests.oauth.helpers import assertion, basic, register, token


def signing(tenant, alg="ES256"):
    key = jose.generate_key(alg)
    app = register(tenant, "machine", auth_method="private_key_jwt", jwks={"keys": [jose.public_jwk(key)]})
    return key, app.application.client_id


def ask(tenant, proof, **more):
    parameters = {"grant_type": "client_credentials", "client_assertion": proof}
    return token(tenant, {**parameters, "client_assertion_type": ASSERTION_TYPE, **more})


@pytest.mark.parametrize("alg", ["ES256", "RS256", "PS256", "EdDSA"])
def test_signed_assertion_authenticates(cast, alg):
    key, client = signing(cast.acme, alg)
    assert ask(cast.acme, assertion(key, client, cast.acme.issuer)).status_code == 200
    named = ask(cast.acme, assertion(key, client, cast.acme.issuer), client_id=client)
    assert named.status_code == 200


def test_O8_replayed_assertion_is_invalid_client(cast):
    """§3 item 7: jti once."""
    key, client = signing(cast.acme)
    proof = assertion(key, client, cast.acme.issuer)
    assert ask(cast.acme, proof).status_code == 200
    assert ask(cast.acme, proof).json()["error"] == "invalid_client"


def test_O8_wrong_claims_are_invalid_client(cast):
    key, client = signing(cast.acme)
    issuer, now = cast.acme.issuer, int(time.time())
    broken = [
        assertion(key, client, f"{issuer}/oauth/token"),
        assertion(key, client, [issuer]),
        assertion(key, client, cast.globex.issuer),
        assertion(key, client, None),
        assertion(key, client, issuer, iss="app_else"),
        assertion(key, client, issuer, sub="app_else"),
        assertion(key, client, issuer, exp=now - 1),
        assertion(key, client, issuer, exp=None),
        assertion(key, client, issuer, exp=now + 7200),
        assertion(key, client, issuer, nbf=now + 600),
        assertion(key, client, issuer, jti=None),
        assertion(key, client, issuer, jti="x" * 300),
        assertion(key, client, issuer, jti=["x"]),
        assertion(jose.generate_key("ES256"), client, issuer),
        "a.b.c",
        "x" * 20_000,
    ]
    for proof in broken:
        answer = ask(cast.acme, proof)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client"), proof[:80]


def test_O8_assertion_type_and_other_methods(cast):
    key, client = signing(cast.acme)
    proof = assertion(key, client, cast.acme.issuer)
    assert ask(cast.acme, proof, client_assertion_type="urn:other").json()["error"] == "invalid_client"
    both = ask(cast.acme, proof, client_secret="x")
    assert both.json()["error"] == "invalid_request"
    assert ask(cast.acme, proof, client_id="app_else").json()["error"] == "invalid_client"
    body = {"grant_type": "client_credentials"}
    assert token(cast.acme, body, Authorization=basic(client, "x")).json()["error"] == "invalid_client"


def test_T1_secret_client_cannot_switch_to_an_assertion(cast):
    app = register(cast.acme, "machine")
    proof = assertion(jose.generate_key("ES256"), app.application.client_id, cast.acme.issuer)
    assert ask(cast.acme, proof).json()["error"] == "invalid_client"
