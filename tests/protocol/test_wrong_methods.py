"""RFC 9110 §15.5.6: another method is 405 with Allow, in the shape of the address, and changes nothing."""

from __future__ import annotations

import pytest

from tests.factories import Browser
from tests.oauth.helpers import form, register, service_token

FORMS = [
    "/oauth/token", "/oauth/par", "/oauth/introspect", "/oauth/revoke", "/oauth/device/code",
    "/oauth2/token", "/oauth2/revoke", "/oauth/register",
]  # fmt: skip
CASES = [(path, "POST", method) for path in FORMS for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE")]
CASES += [("/oauth/register/app_nobody", "GET, PUT, DELETE", method) for method in ("POST", "PATCH", "HEAD")]
CASES += [
    (path, "GET, POST", method)
    for path in ("/oauth/userinfo", "/oauth2/userInfo")
    for method in ("PUT", "DELETE")
]


@pytest.mark.parametrize(("path", "allow", "method"), CASES)
def test_another_method_is_told_which_do(cast, path, allow, method):
    answer = Browser().generic(method, f"/t/{cast.acme.slug}{path}")
    assert (answer.status_code, answer.headers["Allow"]) == (405, allow)
    assert answer.headers["Cache-Control"] == "no-store"
    if method != "HEAD":
        assert answer.json()["error"] == "invalid_request" and "Use " in answer.json()["error_description"]


def test_registration_at_the_bare_origin_is_told_too():
    answer = Browser().get("/oauth/register")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_the_authorization_endpoint_answers_people_with_a_page(cast, method):
    answer = Browser().generic(method, f"/t/{cast.acme.slug}/oauth/authorize")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD, POST")
    assert "text/html" in answer.headers["Content-Type"] and "Location" not in answer.headers


def test_a_right_credential_by_a_wrong_method_revokes_nothing(cast):
    app = register(cast.acme, "machine")
    token = service_token(cast.acme, app)
    told = Browser().get(f"/t/{cast.acme.slug}/oauth/revoke?token={token}")
    assert told.status_code == 405
    assert form(cast.acme, "/oauth/introspect", {"token": token}, app=app).json()["active"] is True
    stranger = register(cast.globex, "machine")
    assert form(cast.acme, "/oauth/introspect", {"token": token}, app=stranger).status_code == 401
