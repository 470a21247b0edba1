"""The OpenID Config plan: one module, oidcc-discovery-endpoint-verification; and that discovery says what works.

OpenID Connect Discovery 1.0 §3, §4; RFC 8414 §2. What is advertised is used here, value by value.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from core import jose, scope
from oauth.models import AuthMethod
from tenants import members
from tests.factories import Browser, admin_principal, make_cast, make_member
from tests.oauth import fake_bridge
from tests.oauth.helpers import Flow, bearer_get, claims, flow, query_of, register, token
from tests.protocol.test_token_algorithms import PROFILE

ENDPOINTS = (
    "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "introspection_endpoint",
    "revocation_endpoint", "end_session_endpoint", "pushed_authorization_request_endpoint",
    "device_authorization_endpoint", "registration_endpoint",
)  # fmt: skip


@pytest.fixture(scope="module")
def cast():
    return make_cast()


@pytest.fixture(scope="module")
def found(cast):
    return Browser().get(f"/t/{cast.acme.slug}/.well-known/openid-configuration").json()


def test_oidcc_discovery_endpoint_verification(cast, found):
    """Every condition of the module: the issuer, what must be there, and that addresses are the issuer's."""
    assert found["issuer"] == cast.acme.issuer
    for name in (
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "jwks_uri",
        "registration_endpoint",
    ):
        assert found[name].startswith(f"{cast.acme.issuer}/"), name
    assert "code" in found["response_types_supported"]
    assert "RS256" in found["id_token_signing_alg_values_supported"]
    assert "openid" in found["scopes_supported"]
    assert {"sub", "iss", "aud", "exp", "iat"} <= set(found["claims_supported"])
    assert set(found["subject_types_supported"]) <= {"public", "pairwise"}
    assert found["claim_types_supported"] == ["normal"]
    for name, value in found.items():
        if name.endswith(("_supported", "_methods", "_values")) and isinstance(value, list):
            assert value, name
            assert len(set(value)) == len(value), name
        if name.endswith("_parameter_supported"):
            assert isinstance(value, bool), name


def test_the_jwks_is_fit_for_use(cast, found):
    """RFC 7517 §4: kid once each, use sig, public halves only."""
    keys = Browser().get(urlsplit(found["jwks_uri"]).path).json()["keys"]
    assert len({key["kid"] for key in keys}) == len(keys)
    for key in keys:
        jose.verifying_key(key, key["alg"])


@pytest.mark.parametrize("name", ENDPOINTS)
def test_every_endpoint_answers(found, name):
    path = urlsplit(found[name]).path
    answers = [Browser().get(path), Browser(enforce_csrf_checks=False).post(path)]
    assert all(answer.status_code != 404 and answer.status_code < 500 for answer in answers)


def test_every_grant_type_is_known_and_no_other(cast, found):
    app = register(cast.acme)
    for grant in found["grant_types_supported"]:
        error = token(cast.acme, {"grant_type": grant}, app=app).json()["error"]
        assert error in ("invalid_request", "unauthorized_client", "invalid_grant"), grant
    for grant in ("password", "implicit", "urn:openid:params:grant-type:ciba"):
        assert token(cast.acme, {"grant_type": grant}, app=app).json()["error"] == "unsupported_grant_type"


def test_every_response_mode_and_type_works(cast, found):
    run = flow(cast.member)
    run.code()
    for mode in found["response_modes_supported"]:
        answer = run.start(response_mode=mode)
        if mode == "form_post":
            assert answer.status_code == 200
            assert b'name="code"' in answer.content
        else:
            assert "code" in query_of(answer.headers["Location"]), mode
    for kind in ("token", "id_token", "code id_token", "none"):
        assert kind not in found["response_types_supported"]
        assert (
            query_of(run.start(response_type=kind).headers["Location"])["error"]
            == "unsupported_response_type"
        )


def test_every_authentication_method_can_be_registered(cast, found):
    key = jose.public_jwk(jose.generate_key())
    assert set(found["token_endpoint_auth_methods_supported"]) <= set(AuthMethod)
    for method in found["token_endpoint_auth_methods_supported"]:
        keys = {"jwks": {"keys": [key]}} if method == "private_key_jwt" else {}
        kind = "spa" if method == "none" else "web"
        assert register(cast.acme, kind, auth_method=method, **keys).application.auth_method == method


def test_every_scope_can_be_had_at_once(cast, found):
    words = found["scopes_supported"]
    run = flow(cast.owner, scopes=words)
    assert set(run.tokens(scope=" ".join(words))["scope"].split()) == set(words)


def test_every_prompt_is_understood(cast, found):
    for prompt in found["prompt_values_supported"]:
        run = Flow(cast.acme, register(cast.acme), Browser())
        location = run.start(prompt=prompt).headers["Location"]
        if prompt == "none":
            assert query_of(location)["error"] == "login_required"
        else:
            assert location.startswith(f"/t/{cast.acme.slug}/sign-"), prompt
    unknown = Flow(cast.acme, register(cast.acme), Browser()).start(prompt="perhaps").headers["Location"]
    assert query_of(unknown)["error"] == "invalid_request"


def test_every_claim_is_told_where_the_tenant_has_it(cast, found):
    person = make_member(cast.acme)
    actor = admin_principal(cast.acme, cast.owner)
    with scope.tenant(cast.acme.id):
        changes = {"profile": PROFILE, "locale": "de"}
        members.update_member(actor=actor, member=person.member, changes=changes)
    words = ["openid", "profile", "email", "address", "phone"]
    body = flow(person, scopes=words).tokens(scope=" ".join(words))
    told = (
        claims(body["id_token"]).keys()
        | bearer_get(cast.acme, "/oauth/userinfo", body["access_token"]).json().keys()
    )
    # These two need a wallet, and a link that the person made.
    assert set(found["claims_supported"]) - {"wallets", "linked_subjects"} <= told


def test_every_context_class_can_be_reached(cast, found):
    for acr in found["acr_values_supported"]:
        run = flow(cast.member)
        fake_bridge.enter(run.browser, cast.member).acr = acr
        assert claims(run.tokens(acr_values=acr)["id_token"])["acr"] == acr


def test_pkce_methods_are_what_is_taken(cast, found):
    assert found["code_challenge_methods_supported"] == ["S256"]
    run = flow(cast.member)
    assert (
        query_of(run.start(code_challenge_method="plain").headers["Location"])["error"] == "invalid_request"
    )


@pytest.mark.parametrize("name", ["id_token", "userinfo", "introspection"])
def test_every_signing_algorithm_is_one_we_sign_with(found, name):
    """Each is used in test_token_algorithms.py and test_rfc9701_introspection_jwt.py."""
    assert set(found[f"{name}_signing_alg_values_supported"]) == set(jose.ALGORITHMS)


def test_neither_none_nor_shared_secrets_sign_anything(found):
    """RFC 8725 §3.1."""
    for name, value in found.items():
        if "alg_values" in name:
            assert not {"none", "HS256", "HS384", "HS512"} & set(value), name
