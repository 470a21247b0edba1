"""Browser origins (OAU-26, threat B5): exact, per application."""

from __future__ import annotations

import pytest

from apikeys.services import issue_key
from core import scope
from roles import selectors
from tests.factories import Browser, principal_of
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
        "/v1/auth/token",
    ],
)
def test_B5_everything_else_has_no_cors(cast, path):
    register(cast.acme, "spa", origins=[ORIGIN])
    assert "Access-Control-Allow-Origin" not in preflight(cast.acme, path, ORIGIN).headers
    assert (
        "Access-Control-Allow-Origin"
        not in Browser().get(f"/t/{cast.acme.slug}{path}", headers={"Origin": ORIGIN}).headers
    )


def asked(tenant, token, origin, path="/v1/me"):
    headers = {"Authorization": f"Bearer {token}", "Origin": origin}
    return Browser().get(f"/t/{tenant.slug}{path}", headers=headers)


def test_OAU26_B5_api_is_shown_to_the_tokens_application_only(cast):
    app = register(cast.acme, "spa", origins=[ORIGIN])
    register(cast.acme, "spa", origins=["https://other.example"])
    token = flow(cast.member, app=app).tokens()["access_token"]
    shown = asked(cast.acme, token, ORIGIN)
    assert (shown.status_code, shown.headers["Access-Control-Allow-Origin"]) == (200, ORIGIN)
    assert {"ETag", "Request-Id", "RateLimit"} <= set(
        shown.headers["Access-Control-Expose-Headers"].split(", ")
    )
    assert "Access-Control-Allow-Credentials" not in shown.headers
    for origin in ("https://other.example", "https://evil.example", "null"):
        hidden = asked(cast.acme, token, origin)
        assert "Access-Control-Allow-Origin" not in hidden.headers
        assert "Origin" in hidden.headers["Vary"]


def test_OAU26_api_lets_registered_origins_ask_first(cast):
    register(cast.acme, "spa", origins=[ORIGIN])
    answer = preflight(cast.acme, "/v1/members", ORIGIN)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (204, ORIGIN)
    assert "PATCH" in answer.headers["Access-Control-Allow-Methods"]
    assert {"Authorization", "DPoP", "Idempotency-Key", "If-Match"} <= set(
        answer.headers["Access-Control-Allow-Headers"].split(", ")
    )
    for tenant, origin in ((cast.acme, "https://evil.example"), (cast.globex, ORIGIN)):
        assert "Access-Control-Allow-Origin" not in preflight(tenant, "/v1/members", origin).headers


def test_OAU26_an_application_may_read_why_its_token_is_refused(cast):
    register(cast.acme, "spa", origins=[ORIGIN])
    refused = asked(cast.acme, "no-token", ORIGIN)
    assert (refused.status_code, refused.headers["Access-Control-Allow-Origin"]) == (401, ORIGIN)
    assert "Access-Control-Allow-Origin" not in asked(cast.globex, "no-token", ORIGIN).headers


def test_B5_what_an_api_key_is_answered_no_browser_reads(cast):
    register(cast.acme, "spa", origins=[ORIGIN])
    with scope.tenant(cast.acme.id):
        own = selectors.api_resources().get(is_control_plane=True)
        key = issue_key(
            actor=principal_of(cast.owner), name="Browser", scopes=["members:read"], resource=own
        ).secret
    answer = asked(cast.acme, key, ORIGIN, "/v1/principal")
    assert answer.status_code == 200
    assert "Access-Control-Allow-Origin" not in answer.headers


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
