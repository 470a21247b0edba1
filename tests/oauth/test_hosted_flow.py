"""The whole way on the real hosted pages: sign-in, consent, tokens, single sign-on, sign-out."""

from __future__ import annotations

import pytest
from django.conf import settings

from oauth.grants import DEVICE_CODE
from tests.factories import Browser, make_member
from tests.factories.hosted import sign_in
from tests.oauth.helpers import Flow, bearer_get, claims, form, query_of, register, token


@pytest.fixture(autouse=True)
def _real_sign_in(monkeypatch, _fake_sign_in):
    monkeypatch.setattr(settings, "SIGNIN_BRIDGE", "signin.bridge")


def arrive(run: Flow, person, **changes):
    """Start an authorization, sign in on the hosted pages, and return the consent page."""
    start = run.start(**changes)
    assert "/sign-in?" in start.headers["Location"]
    query = "?" + start.headers["Location"].partition("?")[2]
    answer = sign_in(run.browser, run.tenant, person.email, query=query)
    return run.browser.follow(answer)


def test_sign_in_consent_tokens_refresh(cast):
    person = make_member(cast.acme)
    run = Flow(cast.acme, register(cast.acme), Browser())
    page = arrive(run, person)
    assert page.status_code == 200, page.content
    assert "See members and what they agreed to share" in page.content.decode()
    found = query_of(run.allow(page).headers["Location"])
    body = run.redeem(found["code"]).json()
    assert claims(body["id_token"])["email"] == person.email
    assert claims(body["id_token"])["amr"] == ["pwd"]
    assert bearer_get(cast.acme, "/v1/me", body["access_token"]).json()["id"] == person.subject
    assert run.refresh(body["refresh_token"]).status_code == 200


def test_SES06_second_application_and_second_tenant_need_no_password(cast):
    """Another subject there (OAU-21)."""
    person = make_member(cast.acme)
    run = Flow(cast.acme, register(cast.acme), Browser())
    here = run.redeem(query_of(run.allow(arrive(run, person)).headers["Location"])["code"]).json()
    second = Flow(cast.acme, register(cast.acme), run.browser)
    assert second.start().status_code == 200
    there = Flow(cast.globex, register(cast.globex), run.browser)
    joining = run.browser.follow(there.start())
    assert "Continue as" in joining.content.decode()
    consent = run.browser.follow(run.browser.submit(joining))
    body = there.redeem(query_of(there.allow(consent).headers["Location"])["code"]).json()
    assert claims(body["id_token"])["sub"] != claims(here["id_token"])["sub"]
    assert claims(body["id_token"])["sid"] != claims(here["id_token"])["sid"]


def test_O15_prompt_login_asks_for_the_password_again(cast):
    person = make_member(cast.acme)
    run = Flow(cast.acme, register(cast.acme), Browser())
    first = run.redeem(query_of(run.allow(arrive(run, person)).headers["Location"])["code"]).json()
    assert "code" in query_of(run.start(prompt="none").headers["Location"])
    again = arrive(run, person, prompt="login")
    assert "code" in query_of(again.headers["Location"]), again.content
    body = run.redeem(query_of(again.headers["Location"])["code"]).json()
    assert claims(body["id_token"])["auth_time"] >= claims(first["id_token"])["auth_time"]


def test_sign_out_with_the_hint_ends_this_tenant_only(cast):
    """SES-06, SES-07."""
    home = "https://app.example/bye"
    person = make_member(cast.acme)
    run = Flow(cast.acme, register(cast.acme, post_logout_redirect_uris=[home]), Browser())
    body = run.redeem(query_of(run.allow(arrive(run, person)).headers["Location"])["code"]).json()
    answer = run.browser.get(
        f"/t/{cast.acme.slug}/oauth/end-session",
        {"id_token_hint": body["id_token"], "post_logout_redirect_uri": home},
    )
    assert answer.headers["Location"] == home
    assert bearer_get(cast.acme, "/v1/me", body["access_token"]).status_code == 401
    assert run.refresh(body["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_device_is_allowed_after_a_real_sign_in(cast):
    """The typed code survives the way through the sign-in pages (RFC 8628 §3.3.1)."""
    person, browser = make_member(cast.acme), Browser()
    app = register(cast.acme, "device", redirect_uris=[], scopes=["openid", "email"])
    body = form(cast.acme, "/oauth/device/code", {"scope": "openid email"}, app=app).json()
    start = browser.get(f"/t/{cast.acme.slug}/oauth/device/verify?user_code={body['user_code']}")
    query = "?" + start.headers["Location"].partition("?")[2]
    entry = browser.follow(sign_in(browser, cast.acme, person.email, query=query))
    confirm = browser.submit(entry, {"user_code": body["user_code"]})
    assert browser.submit(confirm, {"decision": "allow"}).status_code == 200
    grant = {"grant_type": DEVICE_CODE, "device_code": body["device_code"]}
    tokens = token(cast.acme, grant, app=app).json()
    assert claims(tokens["id_token"])["email"] == person.email
