"""RFC 9101 and OpenID Connect Core §6.1: authorization requests as signed JWTs, by value."""

from __future__ import annotations

import base64
import json
import time

import pytest

from core import jose
from tests.factories import Browser
from tests.oauth.helpers import REDIRECT, Flow, assertion, claims, flow, form, pkce, query_of, register

ALGORITHMS = ["ES256", "RS256", "PS256", "EdDSA"]
KEYS = {alg: jose.generate_key(alg) for alg in ALGORITHMS}


def signing_app(tenant, *algs, **settings):
    keys = [{**jose.public_jwk(KEYS[alg]), "alg": alg} for alg in algs or ["ES256"]]
    return register(tenant, jwks={"keys": keys}, **settings)


def request_object(
    run: Flow, alg: str = "ES256", typ: str = "oauth-authz-req+jwt", key=None, **changes
) -> str:
    run.verifier, challenge = pkce()
    payload = {
        "iss": run.app.application.client_id,
        "aud": run.tenant.issuer,
        "exp": int(time.time()) + 60,
        "client_id": run.app.application.client_id,
        "response_type": "code",
        "redirect_uri": REDIRECT,
        "scope": "openid profile",
        "state": "st-1",
        "nonce": "no-1",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        **changes,
    }
    given = {name: value for name, value in payload.items() if value is not None}
    return jose.sign(given, key or KEYS[alg], typ)


def visit(run: Flow, token: str, **outside):
    path = f"/t/{run.tenant.slug}/oauth/authorize"
    return run.browser.get(path, {"client_id": run.app.application.client_id, "request": token, **outside})


@pytest.fixture
def run(cast):
    return flow(cast.member, app=signing_app(cast.acme))


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_signed_request_leads_to_tokens(cast, alg):
    """§5, §6.2."""
    run = flow(cast.member, app=signing_app(cast.acme, alg))
    found = query_of(run.allow(visit(run, request_object(run, alg))).headers["Location"])
    assert (found["state"], found["iss"]) == ("st-1", cast.acme.issuer)
    body = run.redeem(found["code"]).json()
    assert claims(body["id_token"])["nonce"] == "no-1"


@pytest.mark.parametrize("typ", ["oauth-authz-req+jwt", "JWT", "application/oauth-authz-req+jwt"])
def test_typed_and_plain_jwts_are_taken(run, typ):
    """§10.8; OIDC Core §6.1 knows no type."""
    assert visit(run, request_object(run, typ=typ)).status_code == 200


def test_O7_parameters_outside_do_not_count(run):
    """§6.3: only those of the request object."""
    outside = {"scope": "openid members:write", "state": "forged", "redirect_uri": "https://evil.example/"}
    answer = run.allow(visit(run, request_object(run), **outside))
    assert answer.headers["Location"].startswith(f"{REDIRECT}?")
    found = query_of(answer.headers["Location"])
    assert found["state"] == "st-1"
    assert run.redeem(found["code"]).json()["scope"] == "openid profile"


def test_O7_what_is_missing_inside_is_not_taken_from_outside(run):
    answer = visit(run, request_object(run, scope=None), scope="openid")
    assert query_of(answer.headers["Location"])["error"] == "invalid_scope"
    assert visit(run, request_object(run, redirect_uri="https://evil.example/")).status_code == 400


def unsigned(run: Flow) -> str:
    payload = jose.unverified_claims(request_object(run))
    parts = [{"alg": "none", "typ": "JWT"}, payload]
    return (
        ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
        + "."
    )


def raw(run: Flow, **changes) -> str:
    """Signed over bytes that our own signing would not write."""
    payload = {**jose.unverified_claims(request_object(run)), **changes}
    key = KEYS["ES256"]
    head = {"alg": key.alg, "kid": key.kid, "typ": "JWT"}
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (head, payload)]
    signed = b".".join(encoded)
    return (signed + b"." + base64.urlsafe_b64encode(key.sign(signed)).rstrip(b"=")).decode()


FORGED = {
    "unsigned": unsigned,
    "another's key": lambda run: request_object(run, key=jose.generate_key("ES256")),
    "algorithm not registered": lambda run: request_object(run, "RS256"),
    "expired": lambda run: request_object(run, exp=int(time.time()) - 1),
    "not yet": lambda run: request_object(run, nbf=int(time.time()) + 600),
    "for another server": lambda run: request_object(run, aud="https://elsewhere.example"),
    "from another issuer": lambda run: request_object(run, iss="app_other"),
    "for another client": lambda run: request_object(run, client_id="app_other"),
    "for no client": lambda run: request_object(run, client_id=None),
    "another type": lambda run: request_object(run, typ="at+jwt"),
    "a client assertion": lambda run: assertion(
        KEYS["ES256"], run.app.application.client_id, run.tenant.issuer
    ),
    "with a subject": lambda run: request_object(run, sub=run.app.application.client_id),
    "nested": lambda run: request_object(run, request="x"),
    "nested by reference": lambda run: request_object(run, request_uri="https://app.example/r"),
    "not a text": lambda run: request_object(run, state={"a": 1}),
    "NUL": lambda run: request_object(run, state="a\x00b"),
    "half a surrogate": lambda run: raw(run, login_hint="\ud800"),
    "garbage": lambda run: "a.b.c",
    "not a JWT": lambda run: "x",
}


@pytest.mark.parametrize("kind", FORGED)
def test_O7_T1_forged_request_object_is_refused(run, kind):
    """§6.2, §7, §10.8: a page, or an error at a redirect URI of the client that the address names."""
    token = FORGED[kind](run)
    page = visit(run, token)
    assert page.status_code == 400
    assert "Location" not in page.headers
    told = visit(run, token, redirect_uri=REDIRECT, state="outer")
    found = query_of(told.headers["Location"])
    assert (found["error"], found["state"], found["iss"]) == (
        "invalid_request_object", "outer", run.tenant.issuer,
    )  # fmt: skip
    assert visit(run, token, redirect_uri="https://evil.example/").status_code == 400


def test_client_without_keys_cannot_sign(cast):
    run = flow(cast.member)
    found = query_of(visit(run, request_object(run), redirect_uri=REDIRECT).headers["Location"])
    assert found["error"] == "invalid_request_object"


def test_foreign_request_uri_is_not_fetched(run):
    """OIDC Core §3.1.2.6: request_uri_not_supported."""
    found = query_of(run.start(request_uri="https://app.example/request.jwt").headers["Location"])
    assert found["error"] == "request_uri_not_supported"
    assert (
        run.start(request_uri="https://app.example/r", redirect_uri="https://evil.example/").status_code
        == 400
    )


def test_request_object_inside_a_pushed_request(run):
    """RFC 9126 §3: only its parameters are stored."""
    pushed = form(
        run.tenant,
        "/oauth/par",
        {"request": request_object(run), "scope": "openid members:write"},
        app=run.app,
    )
    assert pushed.status_code == 201, pushed.content
    path = f"/t/{run.tenant.slug}/oauth/authorize"
    uri = pushed.json()["request_uri"]
    page = run.browser.get(path, {"client_id": run.app.application.client_id, "request_uri": uri})
    body = run.redeem(query_of(run.allow(page).headers["Location"])["code"]).json()
    assert body["scope"] == "openid profile"
    for forged in (request_object(run, client_id="app_other"), unsigned(run)):
        refused = form(run.tenant, "/oauth/par", {"request": forged}, app=run.app)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request_object")


def test_structured_claims_and_resource_are_read(run):
    """§4: JSON values where the parameters are JSON or lists."""
    audience = f"{run.tenant.issuer}/v1"
    token = request_object(run, claims={"id_token": {"email": None}}, resource=[audience], max_age=600)
    page = visit(run, token)
    assert page.status_code == 200
    assert 'data-scope="email"' in page.content.decode()
    several = request_object(run, resource=[audience, "https://b.example"])
    assert (
        query_of(visit(run, several, redirect_uri=REDIRECT).headers["Location"])["error"] == "invalid_target"
    )


def test_metadata_says_so(cast):
    """§9, §10.5."""
    body = Browser().get(f"/t/{cast.acme.slug}/.well-known/openid-configuration").json()
    assert body["request_parameter_supported"] is True
    assert body["request_uri_parameter_supported"] is False
    assert set(body["request_object_signing_alg_values_supported"]) == set(ALGORITHMS)
