"""The sample relying party against the real issuer: a client library that knows nothing of this product."""

from __future__ import annotations

import io
from urllib.parse import urlsplit

import pytest

from examples.webapp.app import WebApp
from examples.webapp.client import Provider, Settings
from tests.factories import Browser
from tests.oauth import fake_bridge
from tests.oauth.helpers import register

ORIGIN = "http://localhost:8101"


class Visitor:
    """A browser at the sample application, which it calls in process."""

    def __init__(self, app):
        self.app, self.cookie = app, ""

    def ask(self, method, path, body=b""):
        seen = {}

        def start(status, headers):
            seen.update(dict(headers), status=status)

        where, _, query = path.partition("?")
        environ = {
            "REQUEST_METHOD": method, "PATH_INFO": where, "QUERY_STRING": query, "HTTP_COOKIE": self.cookie,
            "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body),
        }  # fmt: skip
        seen["body"] = b"".join(self.app(environ, start)).decode()
        self.cookie = seen["Set-Cookie"].partition(";")[0]
        return seen

    def post(self, path):
        visit = next(iter(self.app.visits.values()))
        return self.ask("POST", path, f"form_token={visit.form_token}".encode())


@pytest.fixture
def sample(cast, live_issuer):
    made = register(
        cast.acme,
        redirect_uris=[f"{ORIGIN}/callback"],
        post_logout_redirect_uris=[f"{ORIGIN}/"],
    )
    settings = Settings(cast.acme.issuer, made.application.client_id, made.secret, ORIGIN)
    return WebApp("Acme", Provider(settings))


@pytest.fixture
def live_issuer(monkeypatch):
    """Send the library's requests through the test client instead of a socket."""
    import requests

    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")

    def send(session, request, **options):
        parts = urlsplit(request.url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        answer = Browser().generic(
            request.method,
            path,
            request.body or b"",
            content_type=request.headers.get("Content-Type", ""),
            headers={name: value for name, value in request.headers.items() if name != "Content-Type"},
        )
        response = requests.Response()
        response.status_code, response._content = answer.status_code, answer.content
        response.headers.update(dict(answer.headers))
        response.url, response.request = request.url, request
        return response

    monkeypatch.setattr(requests.Session, "send", send)


def sign_in(sample, person):
    """Walk through sign-in and consent; return the visitor and the hosted pages' browser."""
    visitor, browser = Visitor(sample), Browser()
    fake_bridge.enter(browser, person)
    assert "Sign in" in visitor.ask("GET", "/")["body"]
    location = visitor.ask("GET", "/sign-in")["Location"]
    page = browser.get(location.removeprefix("http://localhost:8000"))
    answer = browser.submit(page, {"decision": "allow"}) if page.status_code == 200 else page
    back = answer.headers["Location"].removeprefix(ORIGIN)
    return visitor, browser, back


def test_sign_in_call_refresh_sign_out(cast, sample):
    visitor, browser, back = sign_in(sample, cast.member)
    assert visitor.ask("GET", back)["Location"] == "/"
    home = visitor.ask("GET", "/")["body"]
    assert cast.member.email in home
    assert cast.member.subject in home
    assert visitor.post("/refresh")["status"].startswith("303")
    assert "The tokens were refreshed." in visitor.ask("GET", "/")["body"]
    leave = visitor.post("/sign-out")["Location"]
    answer = browser.get(leave.removeprefix("http://localhost:8000"))
    assert answer.headers["Location"].startswith(f"{ORIGIN}/?state=")
    assert "Sign in" in visitor.ask("GET", "/")["body"]


def test_callback_of_another_browser_or_issuer_is_refused(cast, sample):
    """RFC 6749 §10.12, RFC 9207 §2.4."""
    visitor, _, back = sign_in(sample, cast.member)
    stranger = Visitor(sample)
    assert stranger.ask("GET", back)["status"].startswith("400")
    mixed = back.replace("acme", "evil")
    assert visitor.ask("GET", mixed)["status"].startswith("400")
    assert visitor.ask("GET", back)["status"].startswith("400")


def test_forms_of_others_are_refused(cast, sample):
    visitor, _, back = sign_in(sample, cast.member)
    visitor.ask("GET", back)
    assert visitor.ask("POST", "/sign-out", b"form_token=x")["status"].startswith("403")
    assert cast.member.email in visitor.ask("GET", "/")["body"]


def test_denied_consent_is_shown(cast, sample):
    visitor, browser = Visitor(sample), Browser()
    fake_bridge.enter(browser, cast.member)
    location = visitor.ask("GET", "/sign-in")["Location"].removeprefix("http://localhost:8000")
    answer = browser.submit(browser.get(location), {"decision": "deny"})
    seen = visitor.ask("GET", answer.headers["Location"].removeprefix(ORIGIN))
    assert "access_denied" in seen["body"]


def test_id_token_of_another_client_is_refused(cast, sample):
    from tests.oauth.helpers import flow

    body = flow(cast.member).tokens()
    with pytest.raises(Exception, match="aud"):
        sample.provider.validate(body["id_token"], body["access_token"])
