"""RFC 9449: tokens bound to a key, and the proof of it (OAU-15, threat T4)."""

from __future__ import annotations

import base64
import contextlib
import json
import time
from functools import partial

import pytest
from django.conf import settings
from django.utils import timezone

from core import housekeeping, jose, scope, valkey
from events.models import Event
from oauth import dpop
from oauth.models import DPoPProof, Grant
from tenants import members as member_services
from tenants import selectors, services
from tests.factories import Browser, make_member, make_principal, make_tenant, unique
from tests.oauth.helpers import bearer_get, claims, flow, form, register, token
from tests.oauth.proofs import KEY, OTHER, call, jwk, proof
from tests.oauth.test_key_grant import GRANT, issue

RSA, ED = jose.generate_key("PS256"), jose.generate_key("EdDSA")


def endpoint(tenant, path="/oauth/token"):
    return tenant.issuer + path


def service(tenant, **settings):
    return register(tenant, "machine", **settings)


def ask(tenant, app, text="", **more):
    headers = {"DPoP": text} if text else {}
    return token(tenant, {"grant_type": "client_credentials", **more}, app=app, **headers)


def bound_service_token(tenant, app=None, key=KEY):
    answer = ask(tenant, app or service(tenant), proof(endpoint(tenant), key=key))
    assert answer.status_code == 200, answer.content
    return answer.json()["access_token"]


def members(tenant, access_token, text="", **options):
    return call(tenant, "/v1/members", access_token, text, **options)


def resource_proof(tenant, access_token, path="/v1/members", method="GET", **changes):
    return proof(endpoint(tenant, path), method, **{"token": access_token, **changes})


# --- token endpoint (§5) ---------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [KEY, RSA, ED], ids=["ES256", "PS256", "EdDSA"])
def test_token_is_bound_to_the_proved_key(cast, key):
    """§5, §6.1: token_type DPoP and cnf.jkt, the RFC 7638 thumbprint."""
    body = ask(cast.acme, service(cast.acme), proof(endpoint(cast.acme), key=key)).json()
    assert body["token_type"] == "DPoP"
    assert claims(body["access_token"])["cnf"] == {"jkt": jose.thumbprint(key)}
    used = members(cast.acme, body["access_token"], resource_proof(cast.acme, body["access_token"], key=key))
    assert used.status_code == 200, used.content


def test_without_a_proof_the_token_is_a_bearer_token_and_no_row_is_written(cast):
    app = service(cast.acme)
    with scope.tenant(cast.acme.id):
        before = DPoPProof.objects.count()
    body = ask(cast.acme, app).json()
    assert body["token_type"] == "Bearer"
    assert "cnf" not in claims(body["access_token"])
    assert bearer_get(cast.acme, "/v1/members", body["access_token"]).status_code == 200
    with scope.tenant(cast.acme.id):
        assert DPoPProof.objects.count() == before


def test_T4_an_empty_proof_is_no_bearer_token(cast):
    """Whoever sends the header means a bound token: what came of it must not be less."""
    app = service(cast.acme)
    answer = token(cast.acme, {"grant_type": "client_credentials"}, app=app, DPoP="")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof")


def test_client_that_binds_its_tokens_needs_a_proof(cast):
    """§5.2: dpop_bound_access_tokens."""
    app = service(cast.acme, dpop_bound_access_tokens=True)
    refused = ask(cast.acme, app)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_dpop_proof")
    assert ask(cast.acme, app, proof(endpoint(cast.acme))).json()["token_type"] == "DPoP"


def encoded(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def unsigned(address, alg, **header):
    payload = {"jti": "x", "htm": "POST", "htu": address, "iat": int(time.time())}
    return f"{encoded({'typ': 'dpop+jwt', 'alg': alg, 'jwk': jwk(KEY), **header})}.{encoded(payload)}.AAAA"


PRIVATE = {**jwk(KEY), "d": base64.urlsafe_b64encode(b"\x01" * 32).rstrip(b"=").decode()}
BROKEN = {
    "not a JWT": lambda at, proof: "not-a-jwt",
    "empty parts": lambda at, proof: "..",
    "two proofs": lambda at, proof: f"{proof(at)}, {proof(at)}",
    "wrong typ": lambda at, proof: proof(at, typ="JWT"),
    "no jwk": lambda at, proof: proof(at, header={"x": 1}),
    "jwk is text": lambda at, proof: proof(at, header={"jwk": "x"}),
    "private jwk": lambda at, proof: proof(at, header={"jwk": PRIVATE}),
    "symmetric jwk": lambda at, proof: proof(at, header={"jwk": {"kty": "oct", "k": "AAAA"}}),
    "other jwk": lambda at, proof: proof(at, header={"jwk": jwk(OTHER)}),
    "jwk off the curve": lambda at, proof: proof(at, header={"jwk": {**jwk(KEY), "x": "A" * 43}}),
    "jwk by address": lambda at, proof: proof(at, header={"jku": "https://evil.example/jwks"}),
    "huge RSA key": lambda at, proof: proof(at, header={"jwk": {"kty": "RSA", "e": "AQAB", "n": "A" * 6000}}),
    "long exponent": lambda at, proof: proof(at, header={"jwk": {**jwk(RSA), "e": "A" * 300}}),
    "jwk of another type": lambda at, proof: proof(at, header={"jwk": jwk(ED)}),
    "critical header": lambda at, proof: unsigned(at, "ES256", crit=["exp"], exp=1),
    "alg none": lambda at, proof: unsigned(at, "none"),
    "alg HS256": lambda at, proof: unsigned(at, "HS256"),
    "alg RS256": lambda at, proof: proof(at, key=jose.generate_key("RS256")),
    "alg is a list": lambda at, proof: unsigned(at, ["ES256"]),
    "no alg": lambda at, proof: unsigned(at, None),
    "bad signature": lambda at, proof: proof(at)[:-6] + "AAAAAA",
    "oversized": lambda at, proof: proof(at, pad="x" * 9000),
    "no htm": lambda at, proof: proof(at, htm=None),
    "other htm": lambda at, proof: proof(at, method="PATCH"),
    "htm in lower case": lambda at, proof: proof(at, method="Post"),
    "no htu": lambda at, proof: proof(None),
    "other htu": lambda at, proof: proof(at + "x"),
    "htu of another host": lambda at, proof: proof(at.replace("localhost", "evil.example")),
    "htu is a number": lambda at, proof: proof(1),
    "htu with a bad port": lambda at, proof: proof("http://localhost:port/"),
    "no iat": lambda at, proof: proof(at, iat=None),
    "iat is text": lambda at, proof: proof(at, iat="now"),
    "iat an hour ahead": lambda at, proof: proof(at, iat=int(time.time()) + 3600),
    "iat an hour ago": lambda at, proof: proof(at, iat=int(time.time()) - 3600),
    "iat 65 s ago": lambda at, proof: proof(at, iat=int(time.time()) - 65),
    "iat 20 s ahead": lambda at, proof: proof(at, iat=int(time.time()) + 20),
    "expired": lambda at, proof: proof(at, exp=int(time.time()) - 1),
    "not yet": lambda at, proof: proof(at, nbf=int(time.time()) + 60),
    "no jti": lambda at, proof: proof(at, jti=None),
    "jti is a number": lambda at, proof: proof(at, jti=7),
    "empty jti": lambda at, proof: proof(at, jti=""),
    "long jti": lambda at, proof: proof(at, jti="x" * 257),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_T4_broken_proof_at_the_token_endpoint(cast, kind):
    """§4.3: each check."""
    app = service(cast.acme)
    bad = BROKEN[kind](endpoint(cast.acme), proof)
    answer = ask(cast.acme, app, bad)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof"), kind


@pytest.mark.parametrize(
    "kind",
    [kind for kind in BROKEN if kind != "other htm"],  # GET is right there
)
def test_T4_broken_proof_at_the_api(cast, kind):
    access = bound_service_token(cast.acme)
    at = endpoint(cast.acme, "/v1/members")
    lawful = partial(proof, method="GET", token=access)
    answer = members(cast.acme, access, BROKEN[kind](at, lawful))
    assert (answer.status_code, answer.json()["code"]) == (401, "dpop_proof_invalid"), kind
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge.startswith("DPoP ")
    assert 'error="invalid_dpop_proof"' in challenge
    assert 'algs="ES256 PS256 EdDSA Ed25519"' in challenge


@pytest.mark.parametrize("kind", BROKEN)
def test_T3_broken_proof_costs_little(kind):
    """Whatever it is: under 50 ms, best of three on a busy machine."""
    bad, spent = BROKEN[kind]("http://localhost/", proof), []
    for _ in range(3):
        started = time.perf_counter()
        with contextlib.suppress(dpop.BadProof):
            dpop.read(bad)
        spent.append(time.perf_counter() - started)
    assert min(spent) < 0.05


ACCEPTED = {
    "iat 9 s ahead": {"iat": lambda: int(time.time()) + 9},
    "iat 10 s ago": {"iat": lambda: int(time.time()) - 10},
    "exp and nbf": {"exp": lambda: int(time.time()) + 300, "nbf": lambda: int(time.time())},
    "more claims": {"more": lambda: {"a": [1]}},
}


@pytest.mark.parametrize("kind", ACCEPTED)
def test_lawful_proof_is_taken(cast, kind):
    changes = {name: make() for name, make in ACCEPTED[kind].items()}
    assert ask(cast.acme, service(cast.acme), proof(endpoint(cast.acme), **changes)).status_code == 200


def test_htu_is_compared_without_query_and_normalised(cast):
    """§4.3 item 9; RFC 3986 §6.2.2 and §6.2.3."""
    app = service(cast.acme)
    at = endpoint(cast.acme)
    upper = at.replace("http://localhost", "HTTP://LOCALHOST")
    for htu in (at + "?a=b", at + "#f", at + "?a=b#f", upper, at.replace("/oauth/", "/%6Fauth/")):
        assert ask(cast.acme, app, proof(htu)).status_code == 200, htu


def test_htu_is_the_configured_origin_whatever_the_host_header_says(cast):
    access = bound_service_token(cast.acme)
    bad = proof("http://127.0.0.1/t/" + cast.acme.slug + "/v1/members", "GET", token=access)
    answer = Browser().get(
        f"/t/{cast.acme.slug}/v1/members",
        headers={"Authorization": f"DPoP {access}", "DPoP": bad, "Host": "127.0.0.1"},
    )
    assert answer.status_code == 401


def test_newer_name_of_an_algorithm_is_known(cast):
    """RFC 9864 §2.2: Ed25519; the key says so too."""
    text = relabelled(proof(endpoint(cast.acme), key=ED), ED, alg="Ed25519")
    assert ask(cast.acme, service(cast.acme), text).json()["token_type"] == "DPoP"


def relabelled(text, key, **header):
    """Return a proof with another header, signed anew."""
    payload = text.split(".")[1]
    known = jose.unverified_header(text)
    signed = f"{encoded({**known, **header})}.{payload}"
    return f"{signed}.{base64.urlsafe_b64encode(key.sign(signed.encode())).rstrip(b'=').decode()}"


def test_header_parameters_beside_the_key_decide_nothing(cast):
    """A kid, a jku or an x5c in a proof is not read."""
    for header in ({"jku": "https://evil.example"}, {"x5c": ["AAAA"]}, {"more": {"a": 1}}):
        text = proof(endpoint(cast.acme), header={"jwk": jwk(KEY), **header})
        body = ask(cast.acme, service(cast.acme), text).json()
        assert claims(body["access_token"])["cnf"]["jkt"] == jose.thumbprint(KEY)
    named = proof(endpoint(cast.acme), header={"jwk": {**jwk(KEY), "kid": "../../etc", "use": "sig"}})
    assert ask(cast.acme, service(cast.acme), named).status_code == 200


# --- once (§11.1) ----------------------------------------------------------------------------------------


def test_T4_proof_is_accepted_once(cast):
    app = service(cast.acme)
    text = proof(endpoint(cast.acme))
    assert ask(cast.acme, app, text).status_code == 200
    again = ask(cast.acme, app, text)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_dpop_proof")
    same_jti = proof(endpoint(cast.acme), jti=claims(text)["jti"])
    assert ask(cast.acme, app, same_jti).json()["error"] == "invalid_dpop_proof"
    assert (
        ask(cast.acme, app, proof(endpoint(cast.acme), key=OTHER, jti=claims(text)["jti"])).status_code == 200
    )


def test_T4_proof_is_accepted_once_at_the_api_whatever_the_cache_forgot(cast):
    access = bound_service_token(cast.acme)
    text = resource_proof(cast.acme, access)
    assert members(cast.acme, access, text).status_code == 200
    valkey.client().flushdb()
    assert members(cast.acme, access, text).json()["code"] == "dpop_proof_invalid"


def test_one_tenants_proof_says_nothing_in_another(cast):
    """Rows are a tenant's own; the address inside is another one anyway."""
    text = proof(endpoint(cast.acme))
    assert ask(cast.globex, service(cast.globex), text).json()["error"] == "invalid_dpop_proof"
    assert ask(cast.acme, service(cast.acme), text).status_code == 200


def test_spent_proofs_are_swept_when_they_are_too_old_to_be_taken(cast):
    app = service(cast.acme)
    ask(cast.acme, app, proof(endpoint(cast.acme)))
    with scope.tenant(cast.acme.id):
        DPoPProof.objects.update(expires_at=timezone.now())
    ask(cast.acme, app, young := proof(endpoint(cast.acme)))
    housekeeping.run()
    with scope.tenant(cast.acme.id):
        assert DPoPProof.objects.count() == 1
    assert ask(cast.acme, app, young).status_code == 400


# --- at resources (§7) -----------------------------------------------------------------------------------


def test_bound_token_works_with_its_proof_everywhere(cast):
    run = flow(cast.member)
    at = endpoint(cast.acme)
    body = redeem(run, run.code(), proof(at)).json()
    assert body["token_type"] == "DPoP"
    access = body["access_token"]
    for path, method in (("/oauth/userinfo", "GET"), ("/oauth/userinfo", "POST"), ("/v1/me", "GET")):
        answer = call(cast.acme, path, access, resource_proof(cast.acme, access, path, method), method=method)
        assert answer.status_code == 200, answer.content


def redeem(run, code, text="", **changes):
    parameters = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": run.app.application.redirect_uris.split()[0],
        "code_verifier": run.verifier,
        **changes,
    }
    return token(run.tenant, parameters, app=run.app, **({"DPoP": text} if text else {}))


def test_bare_origin_is_an_address_of_its_own(cast):
    run = flow(cast.member)
    access = redeem(run, run.code(), proof(endpoint(cast.acme))).json()["access_token"]
    text = proof(settings.ORIGIN + "/v1/me", "GET", token=access)
    answer = Browser().get("/v1/me", headers={"Authorization": f"DPoP {access}", "DPoP": text})
    assert answer.status_code == 200
    other = proof(endpoint(cast.acme, "/v1/me"), "GET", token=access)
    answer = Browser().get("/v1/me", headers={"Authorization": f"DPoP {access}", "DPoP": other})
    assert answer.status_code == 401


def test_T4_scheme_is_compared_without_case(cast):
    access = bound_service_token(cast.acme)
    for scheme in ("dpop", "DPOP", "dPoP"):
        assert members(cast.acme, access, resource_proof(cast.acme, access), scheme=scheme).status_code == 200


def test_T4_bound_token_is_no_bearer_token(cast):
    """§7.2: with or without a proof beside it."""
    access = bound_service_token(cast.acme)
    for text in ("", resource_proof(cast.acme, access)):
        answer = members(cast.acme, access, text, scheme="Bearer")
        assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")
        assert answer.headers["WWW-Authenticate"].startswith("DPoP ")
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_T4_bearer_token_is_no_bound_token(cast):
    """§7.1."""
    access = ask(cast.acme, service(cast.acme)).json()["access_token"]
    answer = members(cast.acme, access, resource_proof(cast.acme, access))
    assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")
    assert bearer_get(cast.acme, "/v1/members", access).status_code == 200


def test_T4_proof_of_another_key_token_or_none(cast):
    access, other = bound_service_token(cast.acme), bound_service_token(cast.acme)
    assert members(cast.acme, access).json()["code"] == "dpop_proof_invalid"
    wrong = [
        ({"key": OTHER}, "token_invalid"),
        ({"token": other}, "dpop_proof_invalid"),
        ({"token": ""}, "dpop_proof_invalid"),
        ({"ath": "x"}, "dpop_proof_invalid"),
        ({"ath": 1}, "dpop_proof_invalid"),
        ({"method": "POST"}, "dpop_proof_invalid"),
        ({"path": "/v1/me"}, "dpop_proof_invalid"),
    ]
    for changes, code in wrong:
        answer = members(cast.acme, access, resource_proof(cast.acme, access, **changes))
        assert (answer.status_code, answer.json()["code"]) == (401, code), changes
    assert members(cast.acme, access, resource_proof(cast.acme, access)).status_code == 200


def test_T4_userinfo_asks_for_the_proof_too(cast):
    run = flow(cast.member)
    access = redeem(run, run.code(), proof(endpoint(cast.acme))).json()["access_token"]
    bare = bearer_get(cast.acme, "/oauth/userinfo", access)
    assert (bare.status_code, bare.json()["error"]) == (401, "invalid_token")
    without = call(cast.acme, "/oauth/userinfo", access)
    assert (without.status_code, without.json()["error"]) == (401, "invalid_dpop_proof")
    assert without.headers["WWW-Authenticate"].startswith("DPoP ")


def test_T4_token_used_without_its_key_is_recorded(cast):
    access = bound_service_token(cast.acme)
    members(cast.acme, access, scheme="Bearer")
    with scope.tenant(cast.acme.id):
        event = Event.objects.filter(type="access.denied").order_by("-id").first()
    assert event is not None
    assert event.actor_id == claims(access)["client_id"]


def test_T4_API_key_is_not_taken_under_the_scheme(cast):
    answer = members(cast.acme, "sk_test_abc", proof(endpoint(cast.acme, "/v1/members"), "GET"))
    assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")


def test_foreign_tenants_bound_token_is_a_mismatch(cast):
    access = bound_service_token(cast.globex)
    answer = members(cast.acme, access, resource_proof(cast.acme, access))
    assert (answer.status_code, answer.json()["code"]) == (403, "tenant_mismatch")


# --- codes and refresh tokens (§5, §10) -------------------------------------------------------------------


def test_O3_code_is_bound_to_the_announced_key(cast):
    """§10: dpop_jkt."""
    run = flow(cast.member)
    code = run.code(dpop_jkt=jose.thumbprint(KEY))
    for wrong in ("", proof(endpoint(cast.acme), key=OTHER)):
        assert redeem(run, code, wrong).json()["error"] == "invalid_grant"
    assert redeem(run, code, proof(endpoint(cast.acme))).json()["token_type"] == "DPoP"


@pytest.mark.parametrize("jkt", ["x", "x" * 44, "=" * 43, "a b"])
def test_malformed_dpop_jkt_is_invalid_request(cast, jkt):
    run = flow(cast.member)
    answer = run.start(dpop_jkt=jkt)
    assert "error=invalid_request" in answer.headers["Location"]
    with scope.tenant(cast.acme.id):
        assert not Grant.objects.filter(application_id=run.app.application.id).exists()


def test_failed_proof_leaves_the_code_unspent(cast):
    run = flow(cast.member)
    code = run.code()
    assert redeem(run, code, "broken").json()["error"] == "invalid_dpop_proof"
    assert redeem(run, code, proof(endpoint(cast.acme))).status_code == 200


def refresh(run, refresh_token, text=""):
    parameters = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    return token(run.tenant, parameters, app=run.app, **({"DPoP": text} if text else {}))


def test_O4_public_clients_refresh_token_is_bound_to_the_key(cast):
    """§5: and stays so over rotations; a thief without the key neither uses nor kills it."""
    run = flow(cast.member, "spa")
    at = endpoint(cast.acme)
    first = redeem(run, run.code(), proof(at)).json()
    for wrong in ("", proof(at, key=OTHER)):
        assert refresh(run, first["refresh_token"], wrong).json()["error"] == "invalid_grant"
    second = refresh(run, first["refresh_token"], proof(at)).json()
    assert second["token_type"] == "DPoP"
    assert claims(second["access_token"])["cnf"] == {"jkt": jose.thumbprint(KEY)}
    assert refresh(run, second["refresh_token"], proof(at, key=OTHER)).json()["error"] == "invalid_grant"
    assert refresh(run, second["refresh_token"], proof(at)).status_code == 200
    assert refresh(run, first["refresh_token"], proof(at)).json()["error"] == "invalid_grant"


def test_confidential_client_may_change_its_key_at_refresh(cast):
    """§5: its refresh token is bound by client authentication."""
    run = flow(cast.member)
    first = redeem(run, run.code(), proof(endpoint(cast.acme))).json()
    second = refresh(run, first["refresh_token"], proof(endpoint(cast.acme), key=OTHER)).json()
    assert claims(second["access_token"])["cnf"] == {"jkt": jose.thumbprint(OTHER)}


def test_api_key_grant_gives_a_bound_token(cast):
    parameters = {"grant_type": GRANT, "api_key": issue(cast.acme).secret}
    body = token(cast.acme, parameters, DPoP=proof(endpoint(cast.acme))).json()
    assert body["token_type"] == "DPoP"
    access = body["access_token"]
    assert members(cast.acme, access, resource_proof(cast.acme, access)).status_code == 200
    assert bearer_get(cast.acme, "/v1/members", access).status_code == 401


# --- nonces (§8, §9) --------------------------------------------------------------------------------------


def test_client_set_to_nonces_gets_one_and_uses_it(cast):
    app = service(cast.acme, dpop_nonce_required=True)
    asked = ask(cast.acme, app, proof(endpoint(cast.acme)))
    assert (asked.status_code, asked.json()["error"]) == (400, "use_dpop_nonce")
    nonce = asked.headers["DPoP-Nonce"]
    body = ask(cast.acme, app, proof(endpoint(cast.acme), nonce=nonce)).json()
    access = body["access_token"]
    resource = members(cast.acme, access, resource_proof(cast.acme, access))
    assert (resource.status_code, resource.json()["code"]) == (401, "dpop_nonce_required")
    assert 'error="use_dpop_nonce"' in resource.headers["WWW-Authenticate"]
    nonce = resource.headers["DPoP-Nonce"]
    assert members(cast.acme, access, resource_proof(cast.acme, access, nonce=nonce)).status_code == 200


def test_T4_foreign_old_or_invented_nonce_is_refused(cast, monkeypatch):
    app = service(cast.acme, dpop_nonce_required=True)
    old = time.time() - 3 * dpop.NONCE_STEP
    with monkeypatch.context() as patch:
        patch.setattr(dpop.time, "time", lambda: old)
        expired = dpop.nonce(cast.acme)
    for nonce in (dpop.nonce(cast.globex), expired, "invented", 7):
        answer = ask(cast.acme, app, proof(endpoint(cast.acme), nonce=nonce))
        assert answer.json()["error"] == "use_dpop_nonce", nonce
    assert ask(cast.acme, app, proof(endpoint(cast.acme), nonce=dpop.nonce(cast.acme))).status_code == 200


def test_tenant_may_demand_nonces_of_every_client(cast):
    strict = make_tenant(unique("strict"))
    app = service(strict)
    with scope.tenant(strict.id):
        changes = {"dpop_nonce_required": True}
        services.update_policy(actor=make_principal(strict), tenant=selectors.tenant(), changes=changes)
    assert ask(strict, app, proof(endpoint(strict))).json()["error"] == "use_dpop_nonce"
    assert ask(strict, app).json()["token_type"] == "Bearer"
    assert ask(cast.globex, service(cast.globex), proof(endpoint(cast.globex))).status_code == 200


def test_scripts_of_a_registered_origin_can_read_the_nonce(cast):
    app = register(cast.acme, "spa", origins=["https://app.example"], dpop_nonce_required=True)
    parameters = {"grant_type": "authorization_code", "code": "x", "code_verifier": "x" * 43}
    answer = token(
        cast.acme, parameters, app=app, DPoP=proof(endpoint(cast.acme)), Origin="https://app.example"
    )
    assert answer.json()["error"] == "use_dpop_nonce"
    assert "DPoP-Nonce" in answer.headers["Access-Control-Expose-Headers"]


# --- introspection and metadata ---------------------------------------------------------------------------


def test_introspection_shows_the_binding(cast):
    """§6.2."""
    app = service(cast.acme)
    access = bound_service_token(cast.acme, app)
    body = form(cast.acme, "/oauth/introspect", {"token": access}, app=app).json()
    assert body["active"] is True
    assert body["token_type"] == "DPoP"
    assert body["cnf"] == {"jkt": jose.thumbprint(KEY)}


def test_metadata_names_the_algorithms(cast):
    """§5.1."""
    body = Browser().get(f"/t/{cast.acme.slug}/.well-known/openid-configuration").json()
    assert body["dpop_signing_alg_values_supported"] == ["ES256", "PS256", "EdDSA", "Ed25519"]


def test_stranger_without_a_client_gets_no_bound_token(cast):
    answer = token(
        cast.acme,
        {"grant_type": "client_credentials", "client_id": "app_nobody", "client_secret": "x"},
        DPoP=proof(endpoint(cast.acme)),
    )
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_suspended_member_is_refused_although_the_proof_is_right(cast):
    person = make_member(cast.acme)
    run = flow(person)
    access = redeem(run, run.code(), proof(endpoint(cast.acme))).json()["access_token"]
    path = "/oauth/userinfo"
    assert call(cast.acme, path, access, resource_proof(cast.acme, access, path)).status_code == 200
    with scope.tenant(cast.acme.id):
        member_services.suspend_member(actor=make_principal(cast.acme), member=person.member)
    assert call(cast.acme, path, access, resource_proof(cast.acme, access, path)).status_code == 401
