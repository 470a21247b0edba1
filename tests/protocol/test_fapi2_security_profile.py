"""The modules of the FAPI 2.0 security profile plan (final), each as a test of its own name, over HTTP.

Variant: plain_fapi, openid_connect, unsigned requests, plain answers, private_key_jwt, DPoP. Clauses are of
the FAPI 2.0 Security Profile unless said otherwise. Certificates are tried at the end, in process.
"""

from __future__ import annotations

import base64
import json
import time
from datetime import timedelta
from urllib.parse import urlencode

import httpx
import pytest
from django.db.models import F

from core import jose, scope
from core.errors import ValidationFailed
from oauth import applications, fapi, mtls
from oauth.models import Grant, PushedRequest
from tests.factories import Browser, make_cast, make_principal
from tests.oauth import fake_bridge
from tests.oauth.helpers import REDIRECT, Flow, claims, form, query_of, register, token
from tests.oauth.proofs import call, jwk, proof
from tests.protocol.fapi_client import FapiClient
from tests.protocol.hosted_pages import HostedPages, Stopped
from tests.protocol.test_rfc8705_mtls import certificate, headers, proxy  # noqa: F401 — a fixture


@pytest.fixture(scope="module")
def cast():
    return make_cast()


@pytest.fixture(scope="module")
def client(cast, served) -> FapiClient:
    return FapiClient.at(served.issuer(cast.acme), cast.acme)


@pytest.fixture(scope="module")
def second(cast, served) -> FapiClient:
    return FapiClient.at(served.issuer(cast.acme), cast.acme, alg="PS256")


@pytest.fixture(scope="module")
def browser(cast) -> HostedPages:
    return HostedPages(cast.member, REDIRECT)


def error_of(answer) -> str:
    """An error of the token or the PAR endpoint (RFC 6749 §5.2)."""
    assert answer.headers["Content-Type"].startswith("application/json"), answer.text
    body = answer.json()
    assert answer.status_code == (401 if body["error"] == "invalid_client" else 400), answer.text
    assert not set('\r\n\t"\\') & set(body.get("error_description", ""))
    return body["error"]


# --- the happy ways ---------------------------------------------------------------------------------------


def test_discovery_end_point_verification(client):
    known = client.configuration
    assert "code" in known["response_types_supported"]
    assert known["authorization_response_iss_parameter_supported"] is True
    assert known["pushed_authorization_request_endpoint"].startswith(client.issuer)
    assert isinstance(known["require_pushed_authorization_requests"], bool)
    assert "private_key_jwt" in known["token_endpoint_auth_methods_supported"]
    assert set(fapi.ALGORITHMS) <= set(known["token_endpoint_auth_signing_alg_values_supported"])
    assert set(known["dpop_signing_alg_values_supported"]) <= {*fapi.ALGORITHMS, "Ed25519"}
    assert "S256" in known["code_challenge_methods_supported"]
    assert "authorization_code" in known["grant_types_supported"]
    assert "openid" in known["scopes_supported"]
    assert set(known["subject_types_supported"]) <= {"public", "pairwise"}


def test_happy_flow(client, second, browser, cast, served):
    """Two clients, one of them with a redirect URI that has a query of its own."""
    for one in (client, second):
        tokens = one.tokens(browser)
        found = one.id_token(tokens)
        answer = one.resource(tokens["access_token"])
        assert answer.status_code == 200, answer.text
        assert answer.json()["sub"] == found["sub"]
    redirect = f"{REDIRECT}?dummy1=lorem&dummy2=ipsum"
    third = FapiClient.at(served.issuer(cast.acme), cast.acme, redirect_uris=[redirect])
    callback = browser.go(third.address(third.push()))
    assert (callback.parameters["dummy1"], callback.parameters["dummy2"]) == ("lorem", "ipsum")
    assert third.bound(third.exchange(third.code_of(callback)))


def test_user_rejects_authentication(cast, served):
    client = FapiClient.at(served.issuer(cast.acme), cast.acme)
    callback = HostedPages(cast.member, REDIRECT).go(client.address(client.push()), decision="deny")
    assert client.error_of(callback) == "access_denied"


def test_ensure_authorization_request_without_state_success(client, browser):
    callback = browser.go(client.address(client.push(state=None)))
    assert "state" not in callback.parameters
    assert client.bound(client.exchange(callback.parameters["code"]))


def test_ensure_authorization_request_without_nonce_success(client, browser):
    assert "nonce" not in client.id_token(client.tokens(browser, nonce=None))


def test_ensure_authorization_request_with_64_char_nonce_success(client, browser):
    """§5.3.2.2 item 14."""
    assert client.id_token(client.tokens(browser, nonce="n" * 64))["nonce"] == "n" * 64


def test_ensure_other_scope_order_succeeds(client, browser):
    assert client.tokens(browser, scope="email profile openid")["scope"]


def test_test_claims_parameter_identity_claims(client, browser, cast):
    assert client.configuration["claims_parameter_supported"] is True
    wanted = {"name": None, "email": {"essential": True}, "email_verified": {"essential": False}}
    asked = json.dumps({"id_token": wanted, "userinfo": wanted})
    tokens = client.tokens(browser, scope="openid profile email", claims=asked)
    found = client.id_token(tokens)
    shown = client.resource(tokens["access_token"]).json()
    for known in (found, shown):
        assert known["email"] == cast.member.email
        assert known["email_verified"] is True


def test_access_token_type_header_case_sensitivity(client, browser):
    """RFC 9110 §11.1."""
    access = client.tokens(browser)["access_token"]
    for scheme in ("dpop", "DPOP", "dPOp"):
        assert client.resource(access, scheme=scheme).status_code == 200


def test_check_dpop_proof_nbf_exp(client, browser):
    now = int(time.time())
    times = {"nbf": now, "exp": now + 300}
    tokens = client.bound(client.exchange(client.code(browser), dpop=client.proof(**times)))
    access = tokens["access_token"]
    assert client.resource(access, dpop=client.resource_proof(access, **times)).status_code == 200


@pytest.mark.parametrize("ahead", [-10, 10], ids=["before", "after"])
def test_ensure_dpopproof_with_iat_10seconds_before_and_after_succeeds(client, browser, ahead):
    text = client.proof(iat=int(time.time()) + ahead)
    access = client.bound(client.exchange(client.code(browser), dpop=text))["access_token"]
    text = client.resource_proof(access, iat=int(time.time()) + ahead)
    assert client.resource(access, dpop=text).status_code == 200


# --- the code and its key (RFC 9449 §10) --------------------------------------------------------------------


def test_ensure_mismatched_dpop_jkt_fails(client):
    other = jose.thumbprint(jose.generate_key())
    text = proof(client.par, key=client.dpop)
    assert error_of(client.push(dpop=text, dpop_jkt=other)) in {"invalid_request", "invalid_dpop_proof"}


def test_ensure_token_endpoint_fails_with_mismatched_dpop_proof_jkt(client, browser):
    code = client.code(browser, dpop=proof(client.par, key=jose.generate_key()))
    assert error_of(client.exchange(code)) in {"invalid_request", "invalid_grant", "invalid_dpop_proof"}


def test_ensure_token_endpoint_fails_with_mismatched_dpop_jkt(client, browser):
    code = client.code(browser, dpop_jkt=jose.thumbprint(jose.generate_key()))
    assert error_of(client.exchange(code)) in {"invalid_request", "invalid_grant", "invalid_dpop_proof"}


def test_ensure_dpopproof_at_par_endpoint_binding_success(client, browser):
    code = client.code(browser, dpop=proof(client.par, key=client.dpop))
    assert client.bound(client.exchange(code))


def test_ensure_dpop_auth_code_binding_success(client, browser):
    code = client.code(browser, dpop_jkt=jose.thumbprint(client.dpop))
    assert client.bound(client.exchange(code))


# --- what stands beside the pushed request (threat O7) ------------------------------------------------------


def test_ensure_different_nonce_inside_and_outside_request_object(client, browser):
    callback = browser.go(client.address(client.push(), nonce="outside"))
    client.id_token(client.bound(client.exchange(client.code_of(callback))))


def test_ensure_different_state_inside_and_outside_request_object(client, browser):
    callback = browser.go(client.address(client.push(), state="outside"))
    assert client.code_of(callback)


def test_state_only_outside_request_object_not_used(client, browser):
    callback = browser.go(client.address(client.push(state=None), state="outside"))
    assert "code" in callback.parameters
    assert not {"state", "s_hash"} & callback.parameters.keys()


def test_par_without_duplicate_parameters(client, browser):
    """RFC 9101 §5: client_id and request_uri are enough."""
    assert client.code(browser)


def test_ensure_authorization_request_with_long_nonce(client, browser):
    """384 characters: refused, never cut."""
    assert error_of(client.push(nonce="n" * 384)) == "invalid_request"


def test_ensure_authorization_request_with_long_state(client, browser):
    assert client.code(browser, state="s" * 1000)


# --- requests that are refused ------------------------------------------------------------------------------


def test_ensure_request_object_without_redirect_uri_fails(client):
    assert error_of(client.push(redirect_uri=None)) == "invalid_request"


def test_ensure_redirect_uri_in_authorization_request(client):
    """§5.3.2.2 item 6."""
    assert error_of(client.push(redirect_uri=None)) == "invalid_request"


def test_ensure_registered_redirect_uri(client):
    assert error_of(client.push(redirect_uri=REDIRECT + "/more")) == "invalid_request"


def test_plain_fapi_tolerate_unregistered_redirect_uri(client):
    """RFC 9126 §2.4 would allow it; we do not."""
    assert error_of(client.push(redirect_uri="https://unregistered.example/cb")) == "invalid_request"


def test_ensure_unsigned_authorization_request_without_using_par_fails(client, browser):
    """§5.3.2.2 item 3."""
    callback = browser.go(client.request())
    assert client.error_of(callback) == "invalid_request"


@pytest.mark.parametrize("kind", ["code id_token", "token", "id_token", "none"])
def test_ensure_response_type_code_idtoken_and_token_fails(client, kind):
    assert error_of(client.push(response_type=kind)) in {"unsupported_response_type", "invalid_request"}


def test_par_authorization_request_containing_request_uri_form_param(client):
    answer = client.push(request_uri="urn:ietf:params:oauth:request_uri:made-up")
    assert error_of(answer) in {"invalid_request", "invalid_request_object", "request_uri_not_supported"}


def test_par_attempt_invalid_http_method(client):
    assert client.push(method="PUT").status_code in (400, 405)


def test_par_ensure_pkce_required(client):
    """§5.3.2.2 item 5."""
    answer = client.push(code_challenge=None, code_challenge_method=None)
    assert error_of(answer) == "invalid_request"


def test_par_plain_pkce_rejected(client):
    assert error_of(client.push(code_challenge_method="plain")) == "invalid_request"


# --- request_uri --------------------------------------------------------------------------------------------


def test_par_ensure_reused_request_uri_prior_to_auth_completion_succeeds(client, cast):
    """The first visit stops at the sign-in page, the second goes all the way."""
    address = client.address(client.push())
    newcomer = HostedPages(cast.member, REDIRECT)
    assert newcomer.visit(address).status_code == 200
    assert client.code_of(newcomer.go(address))


def test_par_attempt_reuse_request_uri(client, browser):
    address = client.address(client.push())
    assert client.code_of(browser.go(address))
    refused(client, browser, address)


def test_par_attempt_to_use_expired_request_uri(client, browser, cast):
    address = client.address(client.push())
    with scope.tenant(cast.acme.id):
        PushedRequest.objects.update(expires_at=F("expires_at") - timedelta(seconds=600))
    refused(client, browser, address)


def test_par_attempt_to_use_request_uri_for_different_client(client, second, browser):
    address = client.address(client.push()).replace(client.client_id, second.client_id)
    refused(second, browser, address)


def refused(client, browser, address):
    """A page that says so, or an error at the client; never a code."""
    try:
        callback = browser.go(address)
    except Stopped as stopped:
        assert stopped.page.status_code == 400, stopped
    else:
        assert "code" not in callback.parameters
        assert callback.parameters["error"] == "invalid_request_uri"


# --- the token endpoint -------------------------------------------------------------------------------------


def test_ensure_client_id_in_token_endpoint(client, second, browser):
    """The second client's name with the first one's key."""
    code = client.code(browser)
    foreign = second.asserted(key=client.key)
    answer = client.exchange(code, proven={**foreign, "client_id": second.client_id})
    assert error_of(answer) in {"invalid_client", "invalid_grant"}


def test_ensure_holder_of_key_required(client, browser):
    """§5.3.2.1 item 6: no token without a proof."""
    answer = client.exchange(client.code(browser), dpop="")
    assert error_of(answer) in {"invalid_request", "invalid_grant", "invalid_dpop_proof"}


def test_ensure_authorization_code_is_bound_to_client(client, second, browser):
    second.verifier = ""
    code = client.code(browser)
    second.verifier = client.verifier
    assert error_of(second.exchange(code)) == "invalid_grant"


def test_attempt_reuse_authorization_code_after_one_second(client, browser):
    """§5.3.2.2 item 9; what the code gave is revoked (RFC 6749 §4.1.2)."""
    code = client.code(browser)
    tokens = client.bound(client.exchange(code))
    time.sleep(1)
    assert error_of(client.exchange(code)) == "invalid_grant"
    for _ in range(30):  # the other process forgets within a second
        if client.resource(tokens["access_token"]).status_code == 401:
            return
        time.sleep(0.1)
    raise AssertionError("the token lives on")


def test_ensure_token_endpoint_fails_with_expired_auth_code(client, browser, cast):
    """§5.3.2.1 item 11: 60 s at most."""
    code = client.code(browser)
    with scope.tenant(cast.acme.id):
        row = Grant.objects.order_by("-id").first()
        assert (row.expires - row.created_at).total_seconds() <= 60
        Grant.objects.filter(id=row.id).update(expires=F("expires") - timedelta(seconds=61))
    assert error_of(client.exchange(code)) == "invalid_grant"


def test_ensure_signed_client_assertion_with_RS256_fails(cast, served, browser):
    """§5.4.1; the key itself is fit for PS256."""
    client = FapiClient.at(served.issuer(cast.acme), cast.acme, alg="PS256")
    weak = jose.SigningKey(client.key.kid, "RS256", client.key.private)
    code = client.code(browser)
    assert error_of(client.exchange(code, proven=client.asserted(key=weak))) == "invalid_client"


def test_ensure_client_assertion_in_token_endpoint(client, browser):
    answer = client.exchange(client.code(browser), proven={"client_id": client.client_id})
    assert error_of(answer) in {"invalid_client", "invalid_request"}


def test_ensure_client_assertion_with_exp_is_5_minutes_in_past_fails(client, browser):
    proven = client.asserted(exp=int(time.time()) - 300, iat=int(time.time()) - 400)
    assert error_of(client.exchange(client.code(browser), proven=proven)) == "invalid_client"


def test_ensure_client_assertion_with_wrong_aud_fails(client, browser):
    proven = client.asserted(aud="https://other.example/")
    assert error_of(client.exchange(client.code(browser), proven=proven)) == "invalid_client"


def test_ensure_client_assertion_with_no_sub_fails(client, browser):
    proven = {**client.asserted(sub=None), "client_id": client.client_id}
    assert error_of(client.exchange(client.code(browser), proven=proven)) in {
        "invalid_client",
        "invalid_request",
    }


def test_ensure_pkce_code_verifier_required(client, browser):
    """RFC 7636 §4.6."""
    assert error_of(client.exchange(client.code(browser), code_verifier=None)) == "invalid_grant"


def test_incorrect_pkce_code_verifier_rejected(client, browser):
    assert error_of(client.exchange(client.code(browser), code_verifier="x" * 43)) == "invalid_grant"


def test_refresh_token(client, browser):
    """§5.3.2.1 item 10: not rotated; bound by client authentication, good with a new key of the client."""
    first = client.tokens(browser)
    fields = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = client.bound(client.call(fields))
    assert second["access_token"] != first["access_token"]
    assert client.resource(second["access_token"]).status_code == 200
    assert error_of(client.call(fields, dpop="")) == "invalid_dpop_proof"
    assert error_of(client.call(fields, proven={"client_id": client.client_id})) == "invalid_client"
    assert client.bound(client.call(fields))["refresh_token"] == first["refresh_token"]


def test_refresh_token_of_another_client_is_refused(client, second, browser):
    fields = {"grant_type": "refresh_token", "refresh_token": client.tokens(browser)["refresh_token"]}
    assert error_of(second.call(fields)) == "invalid_grant"


# --- assertions at the PAR endpoint -------------------------------------------------------------------------


def test_par_ensure_jwt_client_assertions_nbf_8_seconds_in_the_future_is_accepted(client):
    soon = int(time.time()) + 8
    assert client.push(proven=client.asserted(iat=soon, nbf=soon)).status_code == 201


def test_par_ensure_jwt_client_assertions_nbf_over_60_seconds_in_the_future_fails(client):
    late = int(time.time()) + 65
    answer = client.push(proven=client.asserted(iat=late, nbf=late, exp=late + 60))
    assert error_of(answer) in {"invalid_client", "invalid_request"}


def test_par_test_array_as_audience_fails(client):
    """§5.3.2.1 item 8: the issuer, as one string."""
    answer = client.push(proven=client.asserted(aud=[client.issuer, "https://other.example"]))
    assert error_of(answer) in {"invalid_client", "invalid_request"}


def test_par_test_par_endpoint_url_as_audience_fails(client):
    assert error_of(client.push(proven=client.asserted(aud=client.par))) == "invalid_client"


def test_par_test_token_endpoint_url_as_audience_fails(client):
    assert error_of(client.push(proven=client.asserted(aud=client.token_endpoint))) == "invalid_client"


# --- dpop-negative-tests ------------------------------------------------------------------------------------


def test_dpop_negative_tests(client, browser):
    """RFC 9449 §4.3 and §7 at the resource; lawful ones in between."""
    access = client.tokens(browser)["access_token"]
    at = client.configuration["userinfo_endpoint"]

    def lawful(**changes):
        return client.resource_proof(access, **changes)

    whole = lawful()
    head, payload, signature = lawful().split(".")
    none = base64.urlsafe_b64encode(
        json.dumps({"typ": "dpop+jwt", "alg": "none", "jwk": jwk(client.dpop)}).encode()
    )
    hour = 3600
    bad = {
        "two proofs": f"{lawful()}, {lawful()}",
        "not a JWT": "not.a-jwt",
        "no typ": relabelled(whole, client.dpop, typ=None),
        "no alg": relabelled(whole, client.dpop, alg=None),
        "no jwk": lawful(header={"more": 1}),
        "no jti": lawful(jti=None),
        "no htm": lawful(htm=None),
        "no htu": lawful(htu=None),
        "no iat": lawful(iat=None),
        "no ath": lawful(token=""),
        "typ JWT": lawful(typ="JWT"),
        "alg none": f"{none.rstrip(b'=').decode()}.{payload}.",
        "RS256": lawful(key=jose.generate_key("RS256")),
        "bad signature": f"{head}.{payload}.{'A' * len(signature)}",
        "private key inside": lawful(header={"jwk": {**jwk(client.dpop), "d": "A" * 43}}),
        "other htm": lawful(htm="POST"),
        "other htu": lawful(address="https://other.example/userinfo"),
        "an hour ahead": lawful(iat=int(time.time()) + hour),
        "an hour ago": lawful(iat=int(time.time()) - hour),
        "wrong ath": lawful(ath="wrong"),
        "other key": lawful(key=jose.generate_key()),
        "none at all": "",
    }
    for kind, text in bad.items():
        answer = client.resource(access, dpop=text)
        assert answer.status_code in (400, 401), kind
        assert answer.headers["WWW-Authenticate"].startswith("DPoP"), kind
    assert client.resource(access, scheme="Bearer", dpop="").status_code == 401
    good = {
        "htu with a query": lawful(address=f"{at}?a=b#c"),
        "more in header and claims": lawful(more=1, header={"jwk": jwk(client.dpop), "more": 2}),
        "host in capitals": lawful(address=at.replace("http://localhost", "HTTP://LOCALHOST")),
    }
    for kind, text in good.items():
        assert client.resource(access, dpop=text).status_code == 200, kind
    assert client.resource(access, query="?a=b").status_code == 200
    once = lawful()
    assert [client.resource(access, dpop=once).status_code for _ in range(2)] == [200, 401]
    answer = httpx.get(at, headers={"AUTHORIZATION": f"DPoP {access}", "DPOP": lawful()})
    assert answer.status_code == 200


def relabelled(text, key, **header):
    """Return a proof with another header, signed anew."""
    known = {**jose.unverified_header(text), **header}
    given = {name: value for name, value in known.items() if value is not None}
    head = base64.urlsafe_b64encode(json.dumps(given).encode()).rstrip(b"=").decode()
    signed = f"{head}.{text.split('.')[1]}"
    return f"{signed}.{base64.urlsafe_b64encode(key.sign(signed.encode())).rstrip(b'=').decode()}"


# --- the profile as a setting -------------------------------------------------------------------------------

KEY = jose.generate_key("ES256")
JWKS = {"keys": [jose.public_jwk(KEY)]}
LAWFUL = {"profile": "fapi2", "auth_method": "private_key_jwt", "jwks": JWKS}


@pytest.mark.parametrize(
    ("type", "changes"),
    [
        ("web", {"auth_method": "client_secret_basic", "jwks": None}),
        ("web", {"auth_method": "client_secret_post", "jwks": None}),
        ("spa", {"auth_method": "none", "jwks": None}),
        ("native", {"auth_method": "none", "jwks": None}),
        ("web", {"redirect_uris": ["http://localhost:3000/cb"]}),
        ("web", {"jwks": {"keys": [jose.public_jwk(jose.generate_key("RS256"))]}}),
        ("web", {"id_token_signed_response_alg": "RS256"}),
    ],
)
def test_what_the_profile_forbids_is_not_registered(cast, type, changes):
    with pytest.raises(ValidationFailed):
        register(cast.acme, type, **{**LAWFUL, **changes})


def test_profile_binds_tokens_and_does_not_rotate(cast):
    row = register(cast.acme, **LAWFUL).application
    assert row.dpop_bound_access_tokens
    assert not row.rotate_refresh_tokens
    assert register(cast.acme, **LAWFUL, rotate_refresh_tokens=True).application.rotate_refresh_tokens


def test_profile_cannot_be_loosened_piece_by_piece(cast):
    row = register(cast.acme, **LAWFUL).application
    with scope.tenant(cast.acme.id):
        actor = make_principal(cast.acme)
        changed = applications.update_application(
            actor=actor, application=row, changes={"dpop_bound_access_tokens": False}
        )
        assert changed.dpop_bound_access_tokens
        with pytest.raises(ValidationFailed):
            applications.update_application(
                actor=actor, application=row, changes={"auth_method": "client_secret_basic"}
            )


def test_foreign_tenants_client_is_unknown(client, cast, served):
    """The same assertion at another issuer, and a stranger's key."""
    stranger = jose.generate_key()
    assert error_of(client.push(proven=client.asserted(key=stranger))) == "invalid_client"
    elsewhere = f"{served.issuer(cast.globex)}/oauth/par"
    answer = httpx.post(elsewhere, data={**client.sent, **client.asserted(aud=served.issuer(cast.globex))})
    assert error_of(answer) == "invalid_client"


def test_signed_request_with_RS256_is_refused(cast):
    """§5.4.1, for request objects as for assertions."""
    key = jose.generate_key("PS256")
    app = register(cast.acme, **{**LAWFUL, "jwks": {"keys": [jose.public_jwk(key)]}})
    weak = jose.SigningKey(key.kid, "RS256", key.private)
    parameters = {"client_id": app.application.client_id, "iss": app.application.client_id}
    for signing, status in ((key, "invalid_request"), (weak, "invalid_request_object")):
        request = jose.sign({**parameters, "aud": cast.acme.issuer}, signing, "oauth-authz-req+jwt")
        answer = form(cast.acme, "/oauth/par", {"request": request, **asserted(cast.acme, app, key)})
        assert answer.json()["error"] == status


def asserted(tenant, app, key):
    one = FapiClient(tenant.issuer, app, key=key)
    return one.asserted()


# --- certificates instead of assertions and DPoP (in process: TLS ends at a proxy) --------------------------


def test_happy_flow_with_certificates(cast, proxy):  # noqa: F811
    app = register(
        cast.acme,
        profile="fapi2",
        auth_method="tls_client_auth",
        tls_client_auth={"tls_client_auth_subject_dn": "CN=machine,O=Acme"},
        tls_client_certificate_bound_access_tokens=True,
    )
    assert not app.application.dpop_bound_access_tokens
    browser = Browser()
    fake_bridge.enter(browser, cast.member)
    run = Flow(cast.acme, app, browser)
    mine, client_id = certificate(), app.application.client_id
    sent = {name.replace("-", "_"): value for name, value in headers(mine).items()}
    wanted = query_of(run.address())
    assert form(cast.acme, "/oauth/par", wanted).json()["error"] == "invalid_client"
    pushed = form(cast.acme, "/oauth/par", wanted, **sent)
    assert pushed.status_code == 201, pushed.content
    code = approved(run, pushed.json()["request_uri"])
    parameters = {
        "grant_type": "authorization_code", "code": code, "code_verifier": run.verifier,
        "redirect_uri": REDIRECT, "client_id": client_id,
    }  # fmt: skip
    assert token(cast.acme, parameters).json()["error"] == "invalid_client"
    body = token(cast.acme, parameters, **sent).json()
    assert claims(body["access_token"])["cnf"] == {"x5t#S256": mtls.thumbprint(mine)}


def approved(run, request_uri):
    named = urlencode({"client_id": run.app.application.client_id, "request_uri": request_uri})
    answer = run.browser.get(f"/t/{run.tenant.slug}/oauth/authorize?{named}")
    if answer.status_code == 200:
        answer = run.allow(answer)
    return query_of(answer.headers["Location"])["code"]


# --- no person (the suite's variant fapi_client_credentials_grant) ------------------------------------------


def test_client_credentials_under_the_profile(cast):
    """A machine gets bound tokens only, and uses them with their proof only (in process)."""
    key, issuer = jose.generate_key("PS256"), cast.acme.issuer
    app = register(cast.acme, "machine", **{**LAWFUL, "jwks": {"keys": [jose.public_jwk(key)]}})
    fields = {"grant_type": "client_credentials"}
    unbound = token(cast.acme, {**fields, **asserted(cast.acme, app, key)})
    assert unbound.json()["error"] == "invalid_dpop_proof"
    unproven = token(cast.acme, {**fields, "client_id": app.application.client_id})
    assert unproven.json()["error"] == "invalid_client"
    proven = asserted(cast.acme, app, key)
    body = token(cast.acme, {**fields, **proven}, DPoP=proof(f"{issuer}/oauth/token")).json()
    access = body["access_token"]
    text = proof(f"{issuer}/v1/members", "GET", token=access)
    assert call(cast.acme, "/v1/members", access, text).status_code == 200
    assert call(cast.acme, "/v1/members", access, scheme="Bearer").status_code == 401
