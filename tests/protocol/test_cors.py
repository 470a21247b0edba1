"""Browser origins (OAU-26, threat B5): exact, per application."""

from __future__ import annotations

import pytest

from tests.factories import Browser
from tests.oauth.helpers import bearer_get, flow, form, register

ORIGIN = "https://spa.example"
PATHS = ["/oauth/token", "/oauth/userinfo", "/oauth/revoke"]


def preflight(tenant, path, origin):
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    return Browser().options(f"/t/{tenant.slug}{path}", headers=headers)


@pytest.mark.parametrize("path", PATHS)
def test_preflight_passes_for_registered_origins_only(cast, path):
    register(cast.acme, "spa", origins=[ORIGIN])
    answer = preflight(cast.acme, path, ORIGIN)
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "Origin" in answer.headers["Vary"]
    for other in (
        "https://evil.example",
        "https://spa.example:8443",
        "http://spa.example",
        "null",
        ORIGIN + ".",
    ):
        assert "Access-Control-Allow-Origin" not in preflight(cast.acme, path, other).headers
    assert "Access-Control-Allow-Origin" not in preflight(cast.globex, path, ORIGIN).headers


def test_B5_answer_is_shown_to_the_clients_own_origin_only(cast):
    mine = register(cast.acme, "spa", origins=[ORIGIN])
    other = register(cast.acme, "spa", origins=["https://other.example"])
    parameters = {"grant_type": "refresh_token", "refresh_token": "rt_x"}
    shown = form(cast.acme, "/oauth/token", parameters, app=mine, Origin=ORIGIN)
    assert shown.headers["Access-Control-Allow-Origin"] == ORIGIN  # errors too: the application must see them
    hidden = form(cast.acme, "/oauth/token", parameters, app=other, Origin=ORIGIN)
    assert "Access-Control-Allow-Origin" not in hidden.headers
    assert "Access-Control-Allow-Credentials" not in shown.headers


def test_userinfo_is_shown_to_the_tokens_client(cast):
    app = register(cast.acme, "spa", origins=[ORIGIN])
    body = flow(cast.member, app=app).tokens()
    path = f"/t/{cast.acme.slug}/oauth/userinfo"
    headers = {"Authorization": f"Bearer {body['access_token']}"}
    assert (
        Browser().get(path, headers={**headers, "Origin": ORIGIN}).headers["Access-Control-Allow-Origin"]
        == ORIGIN
    )
    evil = Browser().get(path, headers={**headers, "Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in evil.headers
    assert (
        "Access-Control-Allow-Origin"
        not in bearer_get(cast.acme, "/oauth/userinfo", body["access_token"]).headers
    )


@pytest.mark.parametrize(
    "path",
    [
        "/oauth/introspect",
        "/oauth/authorize",
        "/oauth/end-session",
        "/sign-in",
        "/v1/me",
        "/v1/token-inspections",
    ],
)
def test_B5_everything_else_has_no_cors(cast, path):
    register(cast.acme, "spa", origins=[ORIGIN])
    assert "Access-Control-Allow-Origin" not in preflight(cast.acme, path, ORIGIN).headers
    assert (
        "Access-Control-Allow-Origin"
        not in Browser().get(f"/t/{cast.acme.slug}{path}", headers={"Origin": ORIGIN}).headers
    )


def test_flow_of_a_public_client_works_from_its_origin(cast):
    run = flow(cast.member, "spa", origins=[ORIGIN])
    parameters = {
        "grant_type": "authorization_code",
        "code": run.code(),
        "redirect_uri": run.app.application.redirect_uris,
        "code_verifier": run.verifier,
    }
    answer = form(cast.acme, "/oauth/token", parameters, app=run.app, Origin=ORIGIN)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
