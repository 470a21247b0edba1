"""openid-client and oauth4webapi from npm, as published."""

from __future__ import annotations

import httpx
import pytest
from joserfc.jwk import ECKey, OKPKey

from tests.clients import npm
from tests.protocol.hosted_pages import Stopped

SCRIPTS = ("openid_client.mjs", "oauth4webapi.mjs")


@pytest.mark.parametrize("script", SCRIPTS)
def test_signs_in_renews_revokes(stage, node_clients, script):
    """Discovery, PKCE, `iss`, ID token, userinfo, refresh, introspection, revocation; sign-out where it has it."""
    made = stage()
    found = npm.run(node_clients, script, "code", made.given(), made.browser)
    assert found["sub"] == made.person.subject == found["profile"]["sub"]
    assert found["profile"]["email"] == made.person.email


def test_oauth4webapi_as_a_public_client(stage, node_clients):
    made = stage("spa")
    found = npm.run(node_clients, "oauth4webapi.mjs", "code", made.given(), made.browser)
    assert found["sub"] == made.person.subject


def test_openid_client_reads_a_refusal(stage, node_clients):
    made = stage()
    found = npm.run(node_clients, "openid_client.mjs", "denied", made.given(), made.browser)
    assert found["error"] == "login_required"


def test_openid_client_gets_a_token_for_itself(stage, node_clients):
    made = stage("machine")
    found = npm.run(node_clients, "openid_client.mjs", "clientCredentials", made.given(), made.browser)
    assert found["scope"] == "members:read"


@pytest.mark.parametrize("alg", ["ES256", "EdDSA"])
def test_openid_client_proves_itself_by_a_key(stage, node_clients, alg):
    key = ECKey.generate_key("P-256") if alg == "ES256" else OKPKey.generate_key("Ed25519")
    more = {"kid": f"key-{alg}", "alg": alg}
    made = stage("machine", auth_method="private_key_jwt", jwks={"keys": [key.as_dict(False) | more]})
    given = made.given(jwk=key.as_dict(True) | more)
    found = npm.run(node_clients, "openid_client.mjs", "privateKeyJwt", given, made.browser)
    assert found["scope"] == "members:read"


def test_openid_client_pushes_its_request_and_binds_its_tokens(stage, node_clients):
    """RFC 9126, RFC 9449 at the token endpoint, userinfo and refresh; the token alone opens nothing."""
    made = stage()
    found = npm.run(node_clients, "openid_client.mjs", "pushedAndBound", made.given(), made.browser)
    assert found["sub"] == made.person.subject
    stolen = {"Authorization": f"Bearer {found['access_token']}"}
    assert httpx.get(f"{made.issuer}/oauth/userinfo", headers=stolen).status_code == 401


def test_openid_client_signs_its_request(stage, node_clients):
    """RFC 9101."""
    key = ECKey.generate_key("P-256")
    more = {"kid": "jar", "alg": "ES256"}
    made = stage(jwks={"keys": [key.as_dict(False) | more]})
    given = made.given(jwk=key.as_dict(True) | more)
    found = npm.run(node_clients, "openid_client.mjs", "signedRequest", given, made.browser)
    assert found["sub"] == made.person.subject


def test_openid_client_on_a_device(stage, node_clients):
    """RFC 8628; the person allows it at the verification page."""
    made = stage("device", redirect_uris=[], scopes=["openid", "email"])

    def allow(code):
        person = made.browser
        person.reach(f"{made.issuer}/oauth/device/verify", "user_code")
        page = person.submit(person.pages[-1], {"user_code": code})
        done = person.submit(page, {"decision": "allow"})
        assert done.status_code == 200, done.text

    found = npm.run(node_clients, "openid_client.mjs", "device", made.given(), made.browser, allow)
    assert found["sub"] == made.person.subject


def test_wrong_secret_is_refused(stage, node_clients):
    made = stage()
    made.client_secret = "cs_wrong"
    with pytest.raises(AssertionError, match="OAUTH_WWW_AUTHENTICATE_CHALLENGE"):
        npm.run(node_clients, "openid_client.mjs", "code", made.given(), made.browser)


def test_strangers_are_told_on_a_page(stage, node_clients, cast):
    made = stage()
    made.browser.person = cast.stranger
    with pytest.raises(Stopped):
        npm.run(node_clients, "openid_client.mjs", "code", made.given(), made.browser)
