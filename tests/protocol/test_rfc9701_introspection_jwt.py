"""RFC 9701: the answer of introspection as a signed JWT."""

from __future__ import annotations

import time

import pytest

from core import jose
from tenants import keys
from tests.factories import Browser
from tests.oauth.helpers import bearer_get, claims, flow, form, register

TYPE = "application/token-introspection+jwt"


def introspect(tenant, app, token, **headers):
    return form(tenant, "/oauth/introspect", {"token": token}, app=app, **headers)


def read(tenant, answer, alg="ES256"):
    assert answer.headers["Content-Type"] == TYPE
    assert answer.headers["Cache-Control"] == "no-store"
    token = answer.content.decode()
    return jose.verify(token, keys.verification_keys(tenant.id), typ="token-introspection+jwt", algs={alg})


def test_accept_header_asks_for_the_jwt(cast):
    """§4, §5: typ, iss, aud, iat, token_introspection; neither sub nor exp at the top."""
    run = flow(cast.member)
    access = run.tokens()["access_token"]
    found = read(cast.acme, introspect(cast.acme, run.app, access, Accept=TYPE))
    assert found.keys() == {"iss", "aud", "iat", "token_introspection"}
    assert (found["iss"], found["aud"]) == (cast.acme.issuer, run.app.application.client_id)
    assert abs(found["iat"] - time.time()) < 5
    assert found["token_introspection"] == {"active": True, "token_type": "Bearer", **claims(access)}


@pytest.mark.parametrize("alg", jose.ALGORITHMS)
def test_client_setting_asks_for_it_always(cast, alg):
    """§6: introspection_signed_response_alg."""
    app = register(cast.acme, introspection_signed_response_alg=alg)
    found = read(cast.acme, introspect(cast.acme, app, "unknown"), alg)
    assert found["token_introspection"] == {"active": False}


def test_without_either_it_is_json(cast):
    answer = introspect(cast.acme, register(cast.acme), "unknown", Accept="application/json")
    assert answer.json() == {"active": False}


def test_O13_a_stranger_gets_no_more_by_jwt(cast):
    access = flow(cast.member).tokens()["access_token"]
    foreign = register(cast.acme)
    found = read(cast.acme, introspect(cast.acme, foreign, access, Accept=TYPE))
    assert found["token_introspection"] == {"active": False}
    assert introspect(cast.acme, register(cast.globex), access, Accept=TYPE).status_code == 401


def test_T2_the_answer_is_no_access_token(cast):
    """§8.1: cross-JWT confusion."""
    run = flow(cast.member)
    answer = introspect(cast.acme, run.app, run.tokens()["access_token"], Accept=TYPE).content.decode()
    assert bearer_get(cast.acme, "/v1/me", answer).json()["code"] == "wrong_token_type"


def test_metadata_names_the_algorithms(cast):
    """§7."""
    found = Browser().get(f"/t/{cast.acme.slug}/.well-known/openid-configuration").json()
    assert set(found["introspection_signing_alg_values_supported"]) == set(jose.ALGORITHMS)
