"""RFC 7523 §2.2, §3: clients that prove themselves with a signed assertion (OAU-09, threat O8)."""

from __future__ import annotations

import base64
import hmac
import json
import time

import pytest

from core import jose, scope
from core.errors import ValidationFailed
from oauth import applications
from oauth.client_auth import ASSERTION_TYPE
from tests.factories import make_principal
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


def test_T1_assertion_by_none_or_a_shared_secret_is_refused(cast):
    """HS256 with the public key as its secret, and no signature at all."""
    key, client = signing(cast.acme)
    lawful = assertion(key, client, cast.acme.issuer)
    payload = lawful.split(".")[1]
    public = json.dumps(jose.public_jwk(key)).encode()
    for alg in ("none", "HS256"):
        head = base64url(json.dumps({"alg": alg, "kid": key.kid}).encode())
        signed = f"{head}.{payload}"
        mac = base64url(hmac.digest(public, signed.encode(), "sha256")) if alg == "HS256" else "AA"
        assert ask(cast.acme, f"{signed}.{mac}").json()["error"] == "invalid_client"
    assert ask(cast.acme, lawful).status_code == 200


def test_T1_keys_named_in_the_header_are_not_read(cast):
    _, client = signing(cast.acme)
    evil = jose.generate_key("ES256")
    now = int(time.time())
    claims = {"iss": client, "sub": client, "aud": cast.acme.issuer, "exp": now + 60, "jti": "j"}
    for header in ({"jwk": jose.public_jwk(evil)}, {"jku": "https://evil.example/jwks"}):
        assert ask(cast.acme, jose.sign(claims, evil, "JWT", header)).json()["error"] == "invalid_client"


def test_explicit_type_is_taken_and_another_is_not(cast):
    """draft-ietf-oauth-rfc7523bis: typ client-authentication+jwt."""
    key, client = signing(cast.acme)
    now = int(time.time())
    claims = {"iss": client, "sub": client, "aud": cast.acme.issuer, "exp": now + 60}
    typed = jose.sign({**claims, "jti": "a"}, key, "client-authentication+jwt")
    assert ask(cast.acme, typed).status_code == 200
    for typ in ("at+jwt", "dpop+jwt", "oauth-authz-req+jwt"):
        answer = ask(cast.acme, jose.sign({**claims, "jti": "b"}, key, typ))
        assert answer.json()["error"] == "invalid_client", typ


def test_assertion_of_another_tenants_client_is_refused(cast):
    """The same client id means nothing at another issuer."""
    key, client = signing(cast.acme)
    assert ask(cast.globex, assertion(key, client, cast.globex.issuer)).json()["error"] == "invalid_client"


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def test_O8_an_assertion_under_another_algorithm_than_registered_is_refused(cast):
    """OIDC Registration §2: token_endpoint_auth_signing_alg, although the key would do for both."""
    key = jose.generate_key("RS256")
    other = jose.SigningKey(key.kid, "PS256", key.private)
    bare = {name: value for name, value in jose.public_jwk(key).items() if name != "alg"}
    app = register(
        cast.acme,
        "machine",
        auth_method="private_key_jwt",
        jwks={"keys": [bare]},
        token_endpoint_auth_signing_alg="PS256",
    ).application
    issuer = cast.acme.issuer
    refused = ask(cast.acme, assertion(key, app.client_id, issuer))
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert ask(cast.acme, assertion(other, app.client_id, issuer)).status_code == 200
    with scope.tenant(cast.acme.id):
        changes = {"token_endpoint_auth_signing_alg": ""}
        applications.update_application(actor=make_principal(cast.acme), application=app, changes=changes)
    assert ask(cast.acme, assertion(key, app.client_id, issuer)).status_code == 200
    assert ask(cast.globex, assertion(other, app.client_id, cast.globex.issuer)).status_code == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"token_endpoint_auth_signing_alg": "HS256"},
        {"token_endpoint_auth_signing_alg": "none"},
        {"token_endpoint_auth_signing_alg": "PS256"},
        {"token_endpoint_auth_signing_alg": "ES256", "auth_method": "client_secret_basic", "jwks": None},
    ],
)
def test_an_algorithm_that_its_key_or_method_cannot_have_is_not_registered(cast, changes):
    """An ES256 key, for which PS256 is nothing; secrets sign nothing at all."""
    settings = {"auth_method": "private_key_jwt", "jwks": {"keys": [jose.public_jwk(jose.generate_key())]}}
    with pytest.raises(ValidationFailed) as refused:
        register(cast.acme, "machine", **{**settings, **changes})
    assert [error.pointer for error in refused.value.errors] == ["/token_endpoint_auth_signing_alg"]


def test_the_fapi_profile_takes_its_own_algorithms_only(cast):
    jwks = {"keys": [jose.public_jwk(jose.generate_key("RS256"))]}
    with pytest.raises(ValidationFailed) as refused:
        register(
            cast.acme,
            "machine",
            auth_method="private_key_jwt",
            profile="fapi2",
            jwks=jwks,
            token_endpoint_auth_signing_alg="RS256",
        )
    assert "/token_endpoint_auth_signing_alg" in [error.pointer for error in refused.value.errors]


def test_another_method_leaves_the_algorithm_behind(cast):
    key = jose.generate_key()
    app = register(
        cast.acme,
        "machine",
        auth_method="private_key_jwt",
        jwks={"keys": [jose.public_jwk(key)]},
        token_endpoint_auth_signing_alg="ES256",
    ).application
    with scope.tenant(cast.acme.id):
        changes = {"auth_method": "client_secret_basic"}
        changed = applications.update_application(
            actor=make_principal(cast.acme), application=app, changes=changes
        )
    assert changed.token_endpoint_auth_signing_alg == ""
