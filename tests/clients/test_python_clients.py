"""Authlib and requests-oauthlib, as published."""

from __future__ import annotations

import pytest
import requests
from authlib.integrations.httpx_client import OAuth2Client
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from requests_oauthlib import OAuth2Session as RequestsSession

from tests.protocol.hosted_pages import Stopped

SCOPE = "openid profile email offline_access"


@pytest.fixture(autouse=True)
def _plain_http_on_this_machine(monkeypatch):
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")


def configuration(made):
    with requests.get(f"{made.issuer}/.well-known/openid-configuration") as answer:
        return answer.json()


def sign_out(made, known, id_token):
    address = requests.Request(
        "GET",
        known["end_session_endpoint"],
        params={"id_token_hint": id_token, "post_logout_redirect_uri": made.after, "state": "bye"},
    )
    back = made.browser.go(address.prepare().url, until=made.after)
    assert back.parameters == {"state": "bye"}
    address = requests.Request("GET", known["authorization_endpoint"], params=silent(made)).prepare().url
    assert made.browser.go(address).parameters["error"] == "login_required"


def silent(made):
    return {
        "response_type": "code",
        "client_id": made.client_id,
        "redirect_uri": made.redirect_uri,
        "scope": "openid",
        "prompt": "none",
        "code_challenge": "c" * 43,
        "code_challenge_method": "S256",
    }


def is_active(client, known, token):
    answer = client.introspect_token(known["introspection_endpoint"], token=token)
    return answer.json()["active"]


@pytest.mark.parametrize("kind", [AuthlibSession, OAuth2Client])
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_authlib_signs_in_renews_introspects_revokes_and_leaves(stage, kind, method):
    made = stage(auth_method=method)
    known = configuration(made)
    with kind(
        made.client_id, made.client_secret, scope=SCOPE, redirect_uri=made.redirect_uri,
        code_challenge_method="S256", token_endpoint_auth_method=method, revocation_endpoint_auth_method=method,
    ) as client:  # fmt: skip
        verifier = "v" * 64
        address, state = client.create_authorization_url(
            known["authorization_endpoint"], code_verifier=verifier, nonce="n-1"
        )
        back = made.browser.go(address)
        tokens = client.fetch_token(
            known["token_endpoint"], authorization_response=back.address, state=state, code_verifier=verifier
        )
        profile = client.get(known["userinfo_endpoint"]).json()
        assert (profile["sub"], profile["email"]) == (made.person.subject, made.person.email)
        renewed = client.refresh_token(known["token_endpoint"], refresh_token=tokens["refresh_token"])
        assert renewed["refresh_token"] != tokens["refresh_token"]
        assert is_active(client, known, renewed["refresh_token"])
        revoked = client.revoke_token(known["revocation_endpoint"], token=renewed["refresh_token"])
        assert revoked.status_code == 200
        assert not is_active(client, known, renewed["refresh_token"])
    sign_out(made, known, tokens["id_token"])


def test_authlib_gets_a_token_for_itself(stage):
    made = stage("machine")
    known = configuration(made)
    with AuthlibSession(made.client_id, made.client_secret, scope="members:read") as client:
        tokens = client.fetch_token(known["token_endpoint"], grant_type="client_credentials")
        members = client.get(f"{made.issuer}/v1/members")
    assert tokens["scope"] == "members:read"
    assert members.status_code == 200


def test_requests_oauthlib_signs_in_renews_and_leaves(stage):
    made = stage()
    known = configuration(made)
    with RequestsSession(
        made.client_id, scope=SCOPE.split(), redirect_uri=made.redirect_uri, pkce="S256"
    ) as client:
        address, _ = client.authorization_url(known["authorization_endpoint"], nonce="n-1")
        back = made.browser.go(address)
        tokens = client.fetch_token(
            known["token_endpoint"], authorization_response=back.address, client_secret=made.client_secret
        )
        assert client.get(known["userinfo_endpoint"]).json()["sub"] == made.person.subject
        proof = (made.client_id, made.client_secret)
        renewed = client.refresh_token(
            known["token_endpoint"], refresh_token=tokens["refresh_token"], auth=proof
        )
        assert renewed["refresh_token"] != tokens["refresh_token"]
    sign_out(made, known, tokens["id_token"])


def test_requests_oauthlib_as_a_native_application(stage):
    """RFC 8252 §7.3: the port of the loopback address is chosen at run time."""
    made = stage("native", redirect_uris=["http://127.0.0.1/callback"])
    known = configuration(made)
    here = "http://127.0.0.1:49321/callback"
    with RequestsSession(made.client_id, scope=["openid"], redirect_uri=here, pkce="S256") as client:
        address, _ = client.authorization_url(known["authorization_endpoint"])
        back = made.browser.go(address, until=here)
        tokens = client.fetch_token(
            known["token_endpoint"], authorization_response=back.address, include_client_id=True
        )
    assert tokens["id_token"]


def test_client_of_another_tenant_is_unknown(stage, served, cast):
    made = stage("machine")
    elsewhere = served.issuer(cast.globex)
    with (
        AuthlibSession(made.client_id, made.client_secret) as client,
        pytest.raises(Exception, match="client"),
    ):
        client.fetch_token(f"{elsewhere}/oauth/token", grant_type="client_credentials")


def test_strangers_are_told_on_a_page(stage, cast):
    made = stage()
    made.browser.person = cast.stranger
    client = RequestsSession(made.client_id, scope=["openid"], redirect_uri=made.redirect_uri, pkce="S256")
    address, _ = client.authorization_url(configuration(made)["authorization_endpoint"])
    with pytest.raises(Stopped):
        made.browser.go(address)
