"""RFC 9126: pushed authorization requests."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from core import housekeeping, jose, scope
from oauth import applications, pushed_requests
from oauth.models import PushedRequest
from tests.factories import Browser, make_member, make_principal
from tests.oauth import fake_bridge
from tests.oauth.helpers import (
    REDIRECT,
    Flow,
    assertion,
    claims,
    flow,
    form,
    pkce,
    query_of,
    register,
)

WANTED = {
    "response_type": "code",
    "redirect_uri": REDIRECT,
    "scope": "openid profile",
    "state": "st-1",
    "nonce": "no-1",
    "code_challenge_method": "S256",
}


def push(run: Flow, *, app=None, **changes):
    run.verifier, challenge = pkce()
    parameters = {**WANTED, "code_challenge": challenge, **changes}
    given = {name: value for name, value in parameters.items() if value is not None}
    return form(run.tenant, "/oauth/par", given, app=app or run.app)


def uri_of(run: Flow, **changes) -> str:
    answer = push(run, **changes)
    assert answer.status_code == 201, answer.content
    return answer.json()["request_uri"]


def visit(run: Flow, uri: str, **more):
    path = f"/t/{run.tenant.slug}/oauth/authorize"
    return run.browser.get(path, {"client_id": run.app.application.client_id, "request_uri": uri, **more})


def test_pushed_request_leads_to_tokens(cast):
    """§2.2: 201, a reference and its life; §4."""
    run = flow(cast.member)
    answer = push(run)
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json()
    assert body["request_uri"].startswith("urn:ietf:params:oauth:request_uri:")
    assert len(body["request_uri"].rpartition(":")[2]) >= 43  # §7.1: not to be guessed
    assert 60 <= body["expires_in"] <= 90
    back = run.allow(visit(run, body["request_uri"]))
    found = query_of(back.headers["Location"])
    assert (found["state"], found["iss"]) == ("st-1", cast.acme.issuer)
    tokens = run.redeem(found["code"]).json()
    assert tokens["scope"] == "openid profile"
    assert claims(tokens["id_token"])["nonce"] == "no-1"


def test_O7_parameters_of_the_address_are_not_read(cast):
    """§4: the stored values only."""
    run = flow(cast.member)
    other = {"scope": "openid members:write", "redirect_uri": "https://evil.example/", "state": "forged"}
    answer = run.allow(visit(run, uri_of(run), **other))
    assert answer.headers["Location"].startswith(f"{REDIRECT}?")
    found = query_of(answer.headers["Location"])
    assert found["state"] == "st-1"
    assert run.redeem(found["code"]).json()["scope"] == "openid profile"


def test_O7_reference_is_answered_once_but_may_be_reloaded(cast):
    """§7.3; FAPI 2.0 Security Profile §5.3.2.2: a reload before the answer is no replay."""
    run = flow(cast.member)
    uri = uri_of(run)
    assert visit(run, uri).status_code == 200
    page = visit(run, uri)
    assert "code" in query_of(run.allow(page).headers["Location"])
    again = visit(run, uri)
    assert again.status_code == 400
    assert "Location" not in again.headers
    assert run.allow(page).status_code == 400


def test_O7_refusal_uses_the_reference_up_too(cast):
    run = flow(cast.member)
    uri = uri_of(run)
    assert query_of(run.allow(visit(run, uri), "deny").headers["Location"])["error"] == "access_denied"
    assert visit(run, uri).status_code == 400


@pytest.mark.parametrize("round", range(2))
def test_O7_raced_reference_gives_one_code(cast, round):
    run = flow(cast.member, is_first_party=True)
    uri = uri_of(run)

    def attempt(_):
        try:
            return visit(run, uri).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as pool:
        statuses = list(pool.map(attempt, range(50)))
    assert statuses.count(302) == 1
    assert set(statuses) <= {302, 400, 503}


def age(run: Flow, seconds: int) -> None:
    with scope.tenant(run.tenant.id):
        ends = timezone.now() + timedelta(seconds=pushed_requests.LIFETIME - seconds)
        PushedRequest.objects.filter(application_id=run.app.application.id).update(expires_at=ends)


def test_O7_reference_must_be_started_in_time(cast):
    """§2.2: expires_in, decided at use."""
    run = flow(cast.member)
    uri = uri_of(run)
    age(run, 91)
    assert visit(run, uri).status_code == 400


def test_sign_in_may_take_longer_than_the_reference_lives(cast):
    """Started in time, answered later; but not for ever."""
    run = Flow(cast.acme, register(cast.acme), Browser())
    uri = uri_of(run)
    to_sign_in = visit(run, uri)
    assert "/sign-in?" in to_sign_in.headers["Location"]
    age(run, 600)
    fake_bridge.enter(run.browser, cast.member)
    page = run.browser.get(query_of(to_sign_in.headers["Location"])["next"])
    assert page.status_code == 200
    age(run, 900)
    assert "code" in query_of(run.allow(page).headers["Location"])


def test_O7_mark_of_one_request_does_not_prolong_another(cast):
    run = Flow(cast.acme, register(cast.acme), Browser())
    first, second = uri_of(run), uri_of(run)
    mark = query_of(query_of(visit(run, first).headers["Location"])["next"])["asked"]
    age(run, 600)
    assert visit(run, second, asked=mark).status_code == 400
    assert "/sign-in?" in visit(run, first, asked=mark).headers["Location"]


def test_O7_reference_is_bound_to_its_client_and_tenant(cast):
    """§2.2: MUST be bound to the client that posted it."""
    run = flow(cast.member)
    uri = uri_of(run)
    thief = Flow(cast.acme, register(cast.acme), run.browser)
    assert visit(thief, uri).status_code == 400
    elsewhere = flow(cast.other_member)
    assert visit(elsewhere, uri).status_code == 400
    assert visit(run, uri).status_code == 200


def test_unknown_reference_is_a_page(cast):
    run = flow(cast.member)
    for uri in (
        pushed_requests.PREFIX + "x" * 43,
        pushed_requests.PREFIX,
        pushed_requests.PREFIX + "é" * 900,
    ):
        answer = visit(run, uri)
        assert answer.status_code == 400
        assert "Location" not in answer.headers


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
        ({"redirect_uri": REDIRECT + "/"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"scope": "openid audit:read"}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
        ({"resource": "https://elsewhere.example"}, "invalid_target"),
        ({"nonce": ["a", "b"]}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"state": "s" * 20_000}, "invalid_request"),
    ],
)
def test_what_would_be_refused_later_is_refused_now(cast, changes, error):
    """§2.3; nothing is stored."""
    run = flow(cast.member)
    answer = push(run, **changes)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    with scope.tenant(cast.acme.id):
        assert not PushedRequest.objects.filter(application_id=run.app.application.id).exists()


def test_O8_client_proves_itself_as_at_the_token_endpoint(cast):
    """§2: authentication rules of the token endpoint."""
    run = flow(cast.member)
    path = f"/t/{cast.acme.slug}/oauth/par"
    nobody = form(cast.acme, "/oauth/par", {**WANTED, "client_id": run.app.application.client_id})
    assert (nobody.status_code, nobody.json()["error"]) == (401, "invalid_client")
    other = register(cast.acme)
    mixed = push(run, app=other, client_id=run.app.application.client_id)
    assert mixed.status_code in (400, 401)
    assert Browser().get(path).status_code == 405
    assert Browser().post(path, b"{}", content_type="application/json").status_code == 400


def test_public_client_may_push(cast):
    run = flow(cast.member, "spa")
    assert "code" in query_of(run.allow(visit(run, uri_of(run))).headers["Location"])


def test_O8_pushed_with_private_key_jwt(cast):
    key = jose.generate_key("ES256")
    app = register(cast.acme, auth_method="private_key_jwt", jwks={"keys": [jose.public_jwk(key)]})
    run = flow(cast.member, app=app)
    proof = assertion(key, app.application.client_id, cast.acme.issuer)
    _, challenge = pkce()
    proven = {
        **WANTED,
        "code_challenge": challenge,
        "client_assertion": proof,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }
    first = form(cast.acme, "/oauth/par", proven)
    assert first.status_code == 201, first.content
    assert visit(run, first.json()["request_uri"]).status_code == 200
    again = form(cast.acme, "/oauth/par", proven)
    assert again.json()["error"] == "invalid_client"


def test_application_set_to_require_it_is_refused_without(cast):
    """§5, §6: require_pushed_authorization_requests."""
    app = register(cast.acme, require_pushed_authorization_requests=True)
    run = flow(cast.member, app=app)
    found = query_of(run.start().headers["Location"])
    assert (found["error"], found["state"], found["iss"]) == ("invalid_request", "st-1", cast.acme.issuer)
    assert visit(run, uri_of(run)).status_code == 200


def test_client_disabled_meanwhile_is_refused(cast):
    run = flow(cast.member)
    uri = uri_of(run)
    with scope.tenant(cast.acme.id):
        applications.disable_application(actor=make_principal(cast.acme), application=run.app.application)
    assert visit(run, uri).status_code == 400


def test_T5_reference_and_parameters_are_unreadable_at_rest(cast):
    run = flow(cast.member)
    uri = uri_of(run, login_hint="someone@example.com")
    with scope.tenant(cast.acme.id):
        row = PushedRequest.objects.get(application_id=run.app.application.id)
    assert uri.rpartition(":")[2] not in row.digest
    assert b"someone" not in bytes(row.sealed)
    assert b"callback" not in bytes(row.sealed)


def test_login_hint_of_a_pushed_request_reaches_the_hosted_pages(cast):
    run = Flow(cast.acme, register(cast.acme), Browser())
    answer = visit(run, uri_of(run, login_hint="someone@example.com"))
    assert query_of(answer.headers["Location"])["login_hint"] == "someone@example.com"


def test_R20_old_rows_are_swept_and_young_ones_stay(cast):
    run = flow(make_member(cast.acme))
    uri_of(run)
    housekeeping.run()
    with scope.tenant(cast.acme.id):
        rows = PushedRequest.objects.filter(application_id=run.app.application.id)
        assert rows.count() == 1
    age(run, 3 * 3600)
    housekeeping.run()
    with scope.tenant(cast.acme.id):
        assert rows.count() == 0


def test_B5_browser_of_a_registered_origin_may_push(cast):
    run = flow(cast.member, "spa", origins=["https://app.example"])
    parameters = {**WANTED, "code_challenge": pkce()[1]}
    good = form(cast.acme, "/oauth/par", parameters, app=run.app, Origin="https://app.example")
    assert good.headers["Access-Control-Allow-Origin"] == "https://app.example"
    bad = form(cast.acme, "/oauth/par", parameters, app=run.app, Origin="https://evil.example")
    assert "Access-Control-Allow-Origin" not in bad.headers


def test_metadata_names_the_endpoint(cast):
    """§5."""
    body = Browser().get(f"/t/{cast.acme.slug}/.well-known/openid-configuration").json()
    assert body["pushed_authorization_request_endpoint"] == f"{cast.acme.issuer}/oauth/par"
    assert body["require_pushed_authorization_requests"] is False
