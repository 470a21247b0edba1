"""RFC 7009: a client gives its own tokens back (OAU-18, threat O13)."""

from __future__ import annotations

import pytest

from tests.oauth.helpers import bearer_get, flow, form, register, service_token


def revoke(tenant, app, token, **more):
    return form(tenant, "/oauth/revoke", {"token": token, **more}, app=app)


def userinfo(cast, body):
    return bearer_get(cast.acme, "/oauth/userinfo", body["access_token"]).status_code


def test_revoked_refresh_token_takes_its_family_along(cast):
    """§2.1."""
    run = flow(cast.member)
    body = run.tokens()
    assert userinfo(cast, body) == 200
    assert revoke(cast.acme, run.app, body["refresh_token"]).status_code == 200
    assert run.refresh(body["refresh_token"]).json()["error"] == "invalid_grant"
    assert userinfo(cast, body) == 401


def test_revoked_access_token_is_refused_at_once_and_the_family_goes_on(cast):
    run = flow(cast.member)
    body = run.tokens()
    assert revoke(cast.acme, run.app, body["access_token"], token_type_hint="access_token").status_code == 200
    assert userinfo(cast, body) == 401
    assert run.refresh(body["refresh_token"]).status_code == 200


def test_service_token_can_be_revoked(cast):
    app = register(cast.acme, "machine", scopes=["applications:read"])
    token = service_token(cast.acme, app)
    assert bearer_get(cast.acme, "/v1/applications", token).status_code == 200
    assert revoke(cast.acme, app, token).status_code == 200
    assert bearer_get(cast.acme, "/v1/applications", token).status_code == 401


@pytest.mark.parametrize("token", ["x", "a.b.c", "rt_unknown", "rt_" + "x" * 900, "eyJ" * 9000])
def test_unknown_tokens_are_fine_and_so_is_twice(cast, token):
    """§2.2: 200 for an invalid token."""
    app = register(cast.acme)
    for _ in range(2):
        assert revoke(cast.acme, app, token).status_code == 200


def test_wrong_hint_does_no_harm(cast):
    """§2.1: the server MUST extend its search."""
    run = flow(cast.member)
    body = run.tokens()
    assert (
        revoke(cast.acme, run.app, body["refresh_token"], token_type_hint="access_token").status_code == 200
    )
    assert run.refresh(body["refresh_token"]).json()["error"] == "invalid_grant"


def test_O13_token_was_issued_to_another_client(cast):
    """§2.1: the request is refused and the token lives."""
    run = flow(cast.member)
    body = run.tokens()
    other = register(cast.acme)
    for token in (body["access_token"], body["refresh_token"]):
        assert revoke(cast.acme, other, token).json()["error"] == "unauthorized_client"
    assert userinfo(cast, body) == 200
    assert run.refresh(body["refresh_token"]).status_code == 200


def test_O13_other_tenant_cannot_revoke(cast):
    body = flow(cast.member).tokens()
    for token in (body["access_token"], body["refresh_token"]):
        assert revoke(cast.globex, register(cast.globex), token).status_code == 200
    assert userinfo(cast, body) == 200


def test_client_must_authenticate(cast):
    run = flow(cast.member)
    body = run.tokens()
    assert form(cast.acme, "/oauth/revoke", {"token": body["refresh_token"]}).status_code == 401
    naked = {"token": body["refresh_token"], "client_id": run.app.application.client_id}
    assert form(cast.acme, "/oauth/revoke", naked).status_code == 401
    assert run.refresh(body["refresh_token"]).status_code == 200


def test_public_client_revokes_its_own(cast):
    """§2.1: a public client is identified."""
    run = flow(cast.member, "spa")
    body = run.tokens()
    assert revoke(cast.acme, run.app, body["refresh_token"]).status_code == 200
    assert run.refresh(body["refresh_token"]).json()["error"] == "invalid_grant"


def test_missing_token_is_invalid_request(cast):
    assert form(cast.acme, "/oauth/revoke", {}, app=register(cast.acme)).json()["error"] == "invalid_request"
