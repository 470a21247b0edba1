"""RFC 7662: introspection by clients that prove themselves, about their own tokens (OAU-19, threat O13)."""

from __future__ import annotations

import pytest

from core import jose, scope
from core.principal import SYSTEM
from oauth import applications
from tenants import keys, members, sessions
from tests.factories import admin_principal, make_member, make_principal
from tests.oauth import fake_bridge
from tests.oauth.helpers import claims, flow, form, register, service_token


def introspect(tenant, app, token, **more):
    return form(tenant, "/oauth/introspect", {"token": token, **more}, app=app)


def test_own_living_token_is_described_in_full(cast):
    """§2.2."""
    run = flow(cast.member)
    body = run.tokens()
    answer = introspect(cast.acme, run.app, body["access_token"])
    assert answer.headers["Cache-Control"] == "no-store"
    found = answer.json()
    assert found["active"] is True
    for name, value in claims(body["access_token"]).items():
        assert found[name] == value
    assert found["token_type"] == "Bearer"


def test_own_refresh_token_is_described(cast):
    run = flow(cast.member)
    body = run.tokens()
    found = introspect(cast.acme, run.app, body["refresh_token"], token_type_hint="refresh_token").json()
    assert (found["active"], found["sub"]) == (True, cast.member.subject)
    assert found["client_id"] == run.app.application.client_id
    run.refresh(body["refresh_token"])
    assert introspect(cast.acme, run.app, body["refresh_token"]).json() == {"active": False}


def test_O13_other_client_sees_only_that_it_is_inactive(cast):
    """§2.2, §4."""
    body = flow(cast.member).tokens()
    other = register(cast.acme)
    for token in (body["access_token"], body["refresh_token"]):
        assert introspect(cast.acme, other, token).json() == {"active": False}


def test_resource_server_may_ask_about_tokens_for_its_audience(cast):
    body = flow(cast.member).tokens()
    audience = f"{cast.acme.issuer}/v1"
    trusted = register(cast.acme, "machine", introspection_audiences=[audience])
    assert introspect(cast.acme, trusted, body["access_token"]).json()["active"] is True


def test_O13_other_tenant_sees_only_that_it_is_inactive(cast):
    body = flow(cast.member).tokens()
    stranger = register(cast.globex, introspection_audiences=[f"{cast.globex.issuer}/v1"])
    assert introspect(cast.globex, stranger, body["access_token"]).json() == {"active": False}
    assert introspect(cast.acme, stranger, body["access_token"]).status_code == 401


def test_O13_client_must_prove_itself(cast):
    """§2.1."""
    run = flow(cast.member, "spa")
    body = run.tokens()
    assert introspect(cast.acme, run.app, body["access_token"]).status_code == 401
    assert form(cast.acme, "/oauth/introspect", {"token": body["access_token"]}).status_code == 401


@pytest.mark.parametrize("token", ["x", "a.b.c", "rt_x", "eyJ" * 9000, "sk_test_" + "x" * 61])
def test_unknown_tokens_are_inactive(cast, token):
    assert introspect(cast.acme, register(cast.acme), token).json() == {"active": False}


def test_missing_token_is_invalid_request(cast):
    answer = form(cast.acme, "/oauth/introspect", {}, app=register(cast.acme))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_T2_id_token_is_not_an_access_token(cast):
    run = flow(cast.member)
    assert introspect(cast.acme, run.app, run.tokens()["id_token"]).json() == {"active": False}


def test_T1_forged_token_is_inactive(cast):
    run = flow(cast.member)
    known = claims(run.tokens()["access_token"])
    forged = jose.sign(known, jose.generate_key("ES256"), "at+jwt")
    assert introspect(cast.acme, run.app, forged).json() == {"active": False}
    assert introspect(cast.acme, run.app, jose.sign(known, keys.active_key(cast.acme.id), "at+jwt")).json()[
        "active"
    ]


def test_O16_dead_subjects_make_tokens_inactive_at_once(cast):
    person = make_member(cast.acme)
    run = flow(person)
    body = run.tokens(scope="openid offline_access")
    with scope.tenant(cast.acme.id):
        members.suspend_member(actor=admin_principal(cast.acme, cast.owner), member=person.member)
    for token in (body["access_token"], body["refresh_token"]):
        assert introspect(cast.acme, run.app, token).json() == {"active": False}


def test_O16_ended_session_makes_tokens_inactive_at_once(cast):
    run = flow(cast.member)
    body = run.tokens()
    with scope.tenant(cast.acme.id):
        known = fake_bridge.signed[run.browser.cookies["fake"].value]
        sessions.end_session(known.session, "test", actor=SYSTEM)
    for token in (body["access_token"], body["refresh_token"]):
        assert introspect(cast.acme, run.app, token).json() == {"active": False}


def test_service_tokens_are_described_until_their_client_is_disabled(cast):
    app = register(cast.acme, "machine")
    asker = register(cast.acme, "machine", introspection_audiences=[f"{cast.acme.issuer}/v1"])
    token = service_token(cast.acme, app)
    assert introspect(cast.acme, asker, token).json()["active"] is True
    with scope.tenant(cast.acme.id):
        applications.disable_application(actor=make_principal(cast.acme), application=app.application)
    assert introspect(cast.acme, asker, token).json() == {"active": False}
