"""The modules of the OpenID Dynamic plan (response type code, private_key_jwt), each with a client it registers."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from core import jose, remote_keys, scope
from core.ratelimit import clear_local
from tenants import keys
from tests.factories import Browser, make_principal
from tests.oauth import fake_bridge
from tests.oauth.documents import hosting
from tests.oauth.helpers import Flow, assertion, bearer_get, query_of
from tests.oauth.registering import issue, registering

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture(autouse=True)
def _roomy():
    clear_local()


@dataclass
class Party:
    """A client that registered itself with keys of its own."""

    cast: Any
    metadata: dict[str, Any]
    key: jose.SigningKey
    flow: Flow

    def proof(self, key: jose.SigningKey | None = None) -> dict[str, str]:
        signed = assertion(key or self.key, self.metadata["client_id"], self.cast.acme.issuer)
        return {"client_assertion_type": JWT_BEARER, "client_assertion": signed}

    def tokens(self, **changes: Any) -> dict[str, Any]:
        answer = self.flow.redeem(self.flow.code(**{"scope": "openid", **changes}), **self.proof())
        assert answer.status_code == 200, answer.content
        return answer.json()


def party(cast: Any, key: jose.SigningKey | None = None, **members: Any) -> Party:
    key = key or jose.generate_key("ES256")
    own = {"jwks": {"keys": [jose.public_jwk(key)]}} if "jwks_uri" not in members else {}
    wanted = {
        "client_name": "Suite",
        "redirect_uris": ["https://suite.example/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "private_key_jwt",
        **own,
        **members,
    }
    answer = registering(cast.acme, wanted, issue(cast.acme))
    assert answer.status_code == 201, answer.content
    metadata = answer.json()
    browser = Browser()
    fake_bridge.enter(browser, cast.member)
    application = SimpleNamespace(
        client_id=metadata["client_id"],
        redirect_uris=" ".join(metadata["redirect_uris"]),
        auth_method="private_key_jwt",
    )
    flow = Flow(cast.acme, SimpleNamespace(application=application, secret=""), browser)  # type: ignore[arg-type]
    return Party(cast, metadata, key, flow)


def refused(cast: Any, **members: Any) -> str:
    wanted = {"redirect_uris": ["https://suite.example/callback"], **members}
    answer = registering(cast.acme, wanted, issue(cast.acme))
    assert answer.status_code == 400, answer.content
    return str(answer.json()["error"])


def header_of(token: str) -> dict[str, Any]:
    return jose.unverified_header(token)


def test_oidcc_idtoken_rs256(cast):
    made = party(cast, id_token_signed_response_alg="RS256")
    assert made.metadata["id_token_signed_response_alg"] == "RS256"
    token = made.tokens()["id_token"]
    known = {
        key["kid"]: key for key in Browser().get(f"/t/{cast.acme.slug}/.well-known/jwks.json").json()["keys"]
    }
    head = header_of(token)
    assert head["alg"] == "RS256"
    assert jose.verify(token, [jose.verifying_key(known[head["kid"]], "RS256")], typ=None, algs=["RS256"])


def test_registration_without_a_word_means_rs256(cast):
    """OIDC Registration §2: the default of id_token_signed_response_alg; the key is shown before it signs."""
    made = party(cast)
    assert made.metadata["id_token_signed_response_alg"] == "RS256"
    shown = Browser().get(f"/t/{cast.acme.slug}/.well-known/jwks.json").json()["keys"]
    head = header_of(made.tokens()["id_token"])
    assert head["alg"] == "RS256"
    assert head["kid"] in {key["kid"] for key in shown if key["alg"] == "RS256"}
    named = party(cast, id_token_signed_response_alg="ES256")
    assert named.metadata["id_token_signed_response_alg"] == "ES256"
    assert header_of(named.tokens()["id_token"])["alg"] == "ES256"


def test_a_tenant_without_such_a_client_needs_no_rsa_key(cast):
    """RSA keys are made when the first client needs one; a client without openid gets no ID token."""
    answer = registering(
        cast.globex,
        {"redirect_uris": ["https://suite.example/callback"], "scope": "members:read"},
        issue(cast.globex, scopes=["openid", "members:read"]),
    )
    assert answer.status_code == 201, answer.content
    shown = Browser().get(f"/t/{cast.globex.slug}/.well-known/jwks.json").json()["keys"]
    assert {key["alg"] for key in shown} == {"ES256"}


def test_oidcc_idtoken_unsigned(cast):
    assert refused(cast, id_token_signed_response_alg="none") == "invalid_client_metadata"


def test_oidcc_userinfo_rs256(cast):
    made = party(cast, userinfo_signed_response_alg="RS256")
    answer = bearer_get(cast.acme, "/oauth/userinfo", made.tokens()["access_token"])
    assert answer.headers["Content-Type"] == "application/jwt"
    assert header_of(answer.content.decode())["alg"] == "RS256"


def test_oidcc_ensure_redirect_uri_in_authorization_request(cast):
    two = ["https://suite.example/callback", "https://suite.example/other"]
    answer = party(cast, redirect_uris=two).flow.start(scope="openid", redirect_uri=None)
    assert answer.status_code == 400


def test_oidcc_redirect_uri_query_ok(cast):
    made = party(cast, redirect_uris=["https://suite.example/callback?foo=bar"])
    answer = made.flow.allow(made.flow.start(scope="openid"))
    found = query_of(answer.headers["Location"])
    assert found["foo"] == "bar"
    assert "code" in found


@pytest.mark.parametrize(
    "uri", ["https://suite.example/callback?foo=baz", "https://suite.example/callback?foo=bar&x=1"]
)
def test_oidcc_redirect_uri_query_mismatch(cast, uri):
    made = party(cast, redirect_uris=["https://suite.example/callback?foo=bar"])
    assert made.flow.start(scope="openid", redirect_uri=uri).status_code == 400


def test_oidcc_redirect_uri_query_added(cast):
    answer = party(cast).flow.start(scope="openid", redirect_uri="https://suite.example/callback?foo=bar")
    assert answer.status_code == 400


def test_oidcc_redirect_uri_regfrag(cast):
    assert refused(cast, redirect_uris=["https://suite.example/callback#foo"]) == "invalid_redirect_uri"


def test_oidcc_discovery_endpoint_verification(cast):
    found = Browser().get(f"/t/{cast.acme.slug}/.well-known/openid-configuration").json()
    assert found["issuer"] == cast.acme.issuer
    assert found["registration_endpoint"].startswith(cast.acme.issuer)
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"):
        assert found[name].startswith(cast.acme.issuer), name
    assert "private_key_jwt" in found["token_endpoint_auth_methods_supported"]


def test_oidcc_server(cast):
    claims = jose.unverified_claims(party(cast).tokens()["id_token"])
    assert (claims["iss"], claims["nonce"]) == (cast.acme.issuer, "no-1")


@pytest.mark.parametrize("name", ["logo_uri", "policy_uri", "tos_uri"])
def test_oidcc_registration_logo_policy_and_tos_uri(cast, name):
    made = party(cast, **{name: f"https://suite.example/{name}"})
    assert made.metadata[name] == f"https://suite.example/{name}"
    page = made.flow.start(scope="openid").content.decode()
    assert (f'href="https://suite.example/{name}"' in page) is (name != "logo_uri")
    assert 'src="https://suite.example' not in page, "nothing of a stranger's host is embedded"


def test_oidcc_registration_jwks_uri(cast):
    key = jose.generate_key("ES256")
    with hosting() as host:
        host.document = {"keys": [jose.public_jwk(key)]}
        made = party(cast, key, jwks_uri=host.address("/jwks.json"))
        assert "id_token" in made.tokens()
        assert [path for path, _ in host.calls] == ["/jwks.json"]


def test_oidcc_registration_sector_uri(cast):
    with hosting() as host:
        host.document = ["https://suite.example/callback", "https://suite.example/other"]
        made = party(cast, sector_identifier_uri=host.address("/sector.json"), subject_type="pairwise")
        assert made.metadata["subject_type"] == "pairwise"
        assert "id_token" in made.tokens()


def test_oidcc_registration_sector_bad(cast):
    with hosting() as host:
        host.document = ["https://suite.example/other"]
        address = host.address("/sector.json")
        assert refused(cast, sector_identifier_uri=address) == "invalid_client_metadata"


def test_oidcc_server_rotate_keys(cast):
    made = party(cast)
    before = header_of(made.tokens()["id_token"])["kid"]
    with scope.tenant(cast.acme.id):
        keys.rotate_as(make_principal(cast.acme).actor, "RS256")
    after = header_of(made.tokens()["id_token"])["kid"]
    known = {key["kid"] for key in Browser().get(f"/t/{cast.acme.slug}/.well-known/jwks.json").json()["keys"]}
    assert before != after
    assert {before, after} <= known


def test_oidcc_refresh_token_rp_key_rotation(cast, monkeypatch):
    monkeypatch.setattr(remote_keys, "PAUSE", 0)
    first, second = jose.generate_key("ES256"), jose.generate_key("ES256")
    with hosting() as host:
        host.document = {"keys": [jose.public_jwk(first)]}
        made = party(cast, first, jwks_uri=host.address("/rotating.json"))
        tokens = made.tokens(scope="openid offline_access")
        host.document = {"keys": [jose.public_jwk(second)]}
        assert made.flow.refresh(tokens["refresh_token"], **made.proof(second)).status_code == 200


@pytest.mark.parametrize("alg", ["none", "RS256"])
def test_oidcc_request_uri_unsigned_and_signed_rs256(cast, alg):
    """The suite skips them for a server that says request_uri_parameter_supported=false; ours refuses."""
    found = Browser().get(f"/t/{cast.acme.slug}/.well-known/openid-configuration").json()
    assert found["request_uri_parameter_supported"] is False
    answer = party(cast).flow.start(scope="openid", request_uri=f"https://suite.example/{alg}.jwt")
    assert query_of(answer.headers["Location"])["error"] == "request_uri_not_supported"


def test_oidcc_refresh_token(cast):
    made = party(cast)
    tokens = made.tokens(scope="openid offline_access")
    assert made.flow.refresh(tokens["refresh_token"], **made.proof()).status_code == 200


def test_oidcc_ensure_client_assertion_with_iss_aud_succeeds(cast):
    made = party(cast)
    assert made.flow.redeem(made.flow.code(scope="openid"), **made.proof()).status_code == 200
