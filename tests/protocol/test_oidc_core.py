"""OpenID Connect Core 1.0: ID tokens, authentication requests, UserInfo."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta

import pytest
from django.utils import timezone

from core import jose, scope
from core.principal import SYSTEM
from tenants import keys, members
from tests.factories import Browser, admin_principal, make_member
from tests.oauth import fake_bridge
from tests.oauth.helpers import Flow, bearer_get, claims, flow, query_of, register, service_token


def test_id_token_says_who_signed_in_when_and_how(cast):
    """§2, §3.1.3.6, §3.1.3.7."""
    run = flow(cast.member)
    body = run.tokens(nonce="n-42")
    assert jose.unverified_header(body["id_token"])["alg"] == "ES256"
    found = jose.verify(body["id_token"], keys.verification_keys(cast.acme.id), typ=None)
    known = fake_bridge.signed[run.browser.cookies["fake"].value]
    assert found["iss"] == cast.acme.issuer
    assert found["sub"] == cast.member.subject
    assert found["aud"] == run.app.application.client_id
    assert found["nonce"] == "n-42"
    assert found["auth_time"] == int(known.auth_time.timestamp())
    assert found["amr"] == ["pwd"]
    assert found["acr"] == "urn:claviger:acr:pwd"
    assert found["sid"] == known.session.public_id == claims(body["access_token"])["sid"]
    assert found["exp"] - found["iat"] == 3600
    half = hashlib.sha256(body["access_token"].encode()).digest()[:16]
    assert found["at_hash"] == base64.urlsafe_b64encode(half).rstrip(b"=").decode()
    assert (found["email"], found["email_verified"]) == (cast.member.email, True)


def test_no_openid_no_id_token(cast):
    """§3.1.2.1: without openid it is not an OpenID request."""
    assert "id_token" not in flow(cast.member).tokens(scope="members:read")


def test_claims_follow_scopes(cast):
    """§5.4."""
    found = claims(flow(cast.member).tokens(scope="openid")["id_token"])
    assert not {"email", "name", "email_verified"} & found.keys()


def test_nonce_absent_stays_absent(cast):
    assert "nonce" not in claims(flow(cast.member).tokens(nonce=None)["id_token"])


def test_T5_no_account_id_leaves(cast):
    """Threat O14: nothing global in tokens or userinfo."""
    body = flow(cast.member).tokens()
    shown = f"{claims(body['id_token'])}{claims(body['access_token'])}"
    shown += bearer_get(cast.acme, "/oauth/userinfo", body["access_token"]).content.decode()
    assert str(cast.member.account_id) not in shown
    assert cast.member.account_id.hex not in shown


# --- prompt, max_age, hints (§3.1.2.1) --------------------------------------------------------------------


def test_prompt_none_without_a_session_is_login_required(cast):
    """§3.1.2.6; RFC 9207: with iss."""
    run = Flow(cast.acme, register(cast.acme), Browser())
    found = query_of(run.start(prompt="none").headers["Location"])
    assert (found["error"], found["iss"], found["state"]) == ("login_required", cast.acme.issuer, "st-1")


def test_prompt_none_without_consent_is_consent_required(cast):
    run = flow(cast.member)
    found = query_of(run.start(prompt="none").headers["Location"])
    assert (found["error"], found["iss"]) == ("consent_required", cast.acme.issuer)


def test_prompt_none_with_both_is_silent(cast):
    run = flow(cast.member)
    run.code()
    assert "code" in query_of(run.start(prompt="none").headers["Location"])


def come_back(run, answer, person, **signing):
    """Sign in again as the hosted pages would, and follow the way back."""
    back = query_of(answer.headers["Location"])["next"]
    fake_bridge.enter(run.browser, person, **signing)
    return run.browser.get(back)


@pytest.mark.parametrize("changes", [{"prompt": "login"}, {"max_age": "0"}, {"prompt": "login consent"}])
def test_O15_fresh_sign_in_is_asked_once_and_then_believed(cast, changes):
    run = flow(cast.member)
    run.code()
    fake_bridge.signed[run.browser.cookies["fake"].value].auth_time -= timedelta(minutes=5)
    answer = run.start(**changes)
    assert "/sign-in?" in answer.headers["Location"]
    assert query_of(answer.headers["Location"])["prompt"] == "login"
    back = come_back(run, answer, cast.member)
    assert back.status_code in (200, 302)
    if back.status_code == 302:
        assert "code" in query_of(back.headers["Location"])


def test_O15_coming_back_without_a_fresh_sign_in_asks_again(cast):
    run = flow(cast.member)
    run.code()
    answer = run.start(prompt="login")
    past = timezone.now() - timedelta(minutes=5)
    again = come_back(run, answer, cast.member, auth_time=past)
    assert "/sign-in?" in again.headers["Location"]


def test_O15_forged_mark_of_a_fresh_sign_in_is_not_believed(cast):
    run = flow(cast.member)
    run.code()
    answer = run.browser.get(run.address(prompt="login", asked="1:abc:def"))
    assert "/sign-in?" in answer.headers["Location"]


@pytest.mark.parametrize(("age", "asked"), [("3600", False), ("60", True)])
def test_O15_max_age_is_counted_from_the_real_sign_in(cast, age, asked):
    run = flow(cast.member)
    run.code()
    fake_bridge.signed[run.browser.cookies["fake"].value].auth_time -= timedelta(minutes=5)
    location = run.start(max_age=age).headers["Location"]
    assert ("/sign-in?" in location) is asked
    silent = query_of(run.start(max_age=age, prompt="none").headers["Location"])
    assert silent.get("error") == ("login_required" if asked else None)


def test_prompt_consent_asks_again(cast):
    run = flow(cast.member)
    run.code()
    assert run.start(prompt="consent").status_code == 200


def test_prompt_select_account_goes_to_the_hosted_pages_once(cast):
    run = flow(cast.member)
    run.code()
    answer = run.start(prompt="select_account")
    assert query_of(answer.headers["Location"])["prompt"] == "select_account"
    assert "code" in query_of(come_back(run, answer, cast.member).headers["Location"])


def test_id_token_hint_of_somebody_else_asks_to_sign_in(cast):
    """§3.1.2.1: otherwise it SHOULD return an error, such as login_required."""
    run = flow(cast.member)
    mine = run.tokens()["id_token"]
    theirs = flow(make_member(cast.acme)).tokens()["id_token"]
    assert "code" in query_of(run.start(prompt="none", id_token_hint=mine).headers["Location"])
    found = query_of(run.start(prompt="none", id_token_hint=theirs).headers["Location"])
    assert found["error"] == "login_required"
    broken = query_of(run.start(id_token_hint="a.b.c").headers["Location"])
    assert broken["error"] == "invalid_request"


# --- UserInfo (§5.3) ---------------------------------------------------------------------------------------


def test_userinfo_by_scope(cast):
    body = flow(cast.member).tokens()
    answer = bearer_get(cast.acme, "/oauth/userinfo", body["access_token"])
    assert answer.headers["Cache-Control"] == "no-store"
    told = answer.json()
    assert isinstance(told.pop("updated_at"), int)
    assert told == {
        "sub": cast.member.subject,
        "name": "Mia Member",
        "email": cast.member.email,
        "email_verified": True,
    }
    narrow = flow(cast.member).tokens(scope="openid")
    assert bearer_get(cast.acme, "/oauth/userinfo", narrow["access_token"]).json() == {
        "sub": cast.member.subject
    }


def test_userinfo_by_post_and_by_the_older_path(cast):
    body = flow(cast.member).tokens()
    headers = {"Authorization": f"Bearer {body['access_token']}"}
    assert Browser().post(f"/t/{cast.acme.slug}/oauth/userinfo", headers=headers).status_code == 200
    assert bearer_get(cast.acme, "/oauth2/userInfo", body["access_token"]).status_code == 200


def test_userinfo_takes_a_token_in_one_place_only(cast):
    """RFC 6750 §2: a form body will do, and two ways at once are invalid_request."""
    token = flow(cast.member).tokens()["access_token"]
    path = f"/t/{cast.acme.slug}/oauth/userinfo"
    form = {"data": f"access_token={token}", "content_type": "application/x-www-form-urlencoded"}
    assert Browser().post(path, **form).json()["sub"] == cast.member.subject
    both = Browser().post(path, **form, headers={"Authorization": f"Bearer {token}"})
    assert (both.status_code, both.json()["error"]) == (400, "invalid_request")
    twice = {**form, "data": f"access_token={token}&access_token={token}"}
    assert Browser().post(path, **twice).status_code == 400
    stranger = {**form, "data": "access_token=nobody"}
    assert Browser().post(path, **stranger).status_code == 401
    assert Browser().get(f"{path}?access_token={token}").status_code == 401
    assert Browser().post(f"/t/{cast.globex.slug}/oauth/userinfo", **form).status_code == 403


def test_userinfo_needs_openid(cast):
    """RFC 6750 §3.1: insufficient_scope."""
    body = flow(cast.member).tokens(scope="members:read")
    answer = bearer_get(cast.acme, "/oauth/userinfo", body["access_token"])
    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]


def test_T2_userinfo_refuses_other_tokens(cast):
    body = flow(cast.member).tokens()
    service = service_token(cast.acme, register(cast.acme, "machine"))
    theirs = flow(cast.other_member).tokens()["access_token"]
    for token in (body["id_token"], body["refresh_token"], service, theirs, "x", ""):
        assert bearer_get(cast.acme, "/oauth/userinfo", token).status_code in (401, 403)
    missing = bearer_get(cast.acme, "/oauth/userinfo", "")
    assert "error=" not in missing.headers["WWW-Authenticate"]
    invalid = bearer_get(cast.acme, "/oauth/userinfo", "x")
    assert 'error="invalid_token"' in invalid.headers["WWW-Authenticate"]


def test_O16_userinfo_shows_the_live_person_and_refuses_the_dead(cast):
    person = make_member(cast.acme)
    body = flow(person).tokens()
    admin = admin_principal(cast.acme, cast.owner)
    with scope.tenant(cast.acme.id):
        members.update_member(actor=admin, member=person.member, changes={"name": "New Name"})
    assert bearer_get(cast.acme, "/oauth/userinfo", body["access_token"]).json()["name"] == "New Name"
    with scope.tenant(cast.acme.id):
        members.suspend_member(actor=admin, member=person.member)
    assert bearer_get(cast.acme, "/oauth/userinfo", body["access_token"]).status_code in (401, 403)


def test_R11_tokens_of_a_retired_key_go_on(cast):
    """OAU-01: the old key stays until its tokens expire."""
    body = flow(cast.other_member).tokens()
    with scope.tenant(cast.globex.id):
        keys.rotate_as(SYSTEM)
    assert bearer_get(cast.globex, "/oauth/userinfo", body["access_token"]).status_code == 200
    again = flow(cast.other_member).tokens()
    assert jose.unverified_header(again["id_token"])["kid"] != jose.unverified_header(body["id_token"])["kid"]
