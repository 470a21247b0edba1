"""OpenID Connect Core §5.5: the claims parameter."""

from __future__ import annotations

import json

import pytest

from tests.factories import Browser, make_member
from tests.oauth import fake_bridge
from tests.oauth.helpers import Flow, bearer_get, claims, flow, query_of


def asked(**places) -> str:
    return json.dumps(places)


def userinfo(run: Flow, body) -> dict:
    return bearer_get(run.tenant, "/oauth/userinfo", body["access_token"]).json()


def test_claims_appear_in_the_place_that_asked(cast):
    """§5.5: members id_token and userinfo."""
    run = flow(make_member(cast.acme))
    body = run.tokens(
        scope="openid", claims=asked(userinfo={"email": None}, id_token={"name": {"essential": True}})
    )
    identity = claims(body["id_token"])
    assert identity["name"] == "Mia Member"
    assert "email" not in identity
    found = userinfo(run, body)
    assert found["email"].endswith("@example.com")
    assert "name" not in found
    assert body["scope"] == "openid"


def test_they_survive_a_refresh(cast):
    run = flow(make_member(cast.acme))
    body = run.tokens(scope="openid", claims=asked(userinfo={"email": None}, id_token={"name": None}))
    again = run.refresh(body["refresh_token"]).json()
    assert claims(again["id_token"])["name"] == "Mia Member"
    assert "email" in userinfo(run, again)
    third = run.refresh(again["refresh_token"]).json()
    assert "email" in userinfo(run, third)


def test_OAU16_page_asks_for_a_claim_that_no_scope_brings(cast):
    run = flow(make_member(cast.acme))
    page = run.start(scope="openid", claims=asked(userinfo={"email": None}))
    text = page.content.decode()
    assert 'data-scope="email"' in text
    assert "See your e-mail address" in text
    answer = run.browser.submit(page, {"decision": "allow", "drop": ["email"]})
    body = run.redeem(query_of(answer.headers["Location"])["code"]).json()
    assert "email" not in userinfo(run, body)
    again = run.start(scope="openid", claims=asked(userinfo={"email": None}))
    assert again.status_code == 302


def test_OAU06_added_claim_is_asked_once(cast):
    run = flow(make_member(cast.acme))
    run.code(scope="openid")
    wanted = asked(id_token={"email": None})
    assert query_of(run.start(scope="openid", claims=wanted, prompt="none").headers["Location"])["error"] == (
        "consent_required"
    )
    page = run.start(scope="openid", claims=wanted)
    assert page.status_code == 200
    assert 'data-scope="openid"' not in page.content.decode()
    run.allow(page)
    assert run.start(scope="openid", claims=wanted).status_code == 302


def test_O5_claim_whose_scope_was_left_out_is_not_given(cast):
    run = flow(make_member(cast.acme))
    page = run.start(scope="openid email", claims=asked(id_token={"email": {"essential": True}}))
    answer = run.browser.submit(page, {"decision": "allow", "drop": ["email"]})
    body = run.redeem(query_of(answer.headers["Location"])["code"]).json()
    assert "email" not in claims(body["id_token"])


def test_O5_claims_beyond_the_clients_scopes_are_not_given(cast):
    run = flow(cast.member, scopes=["openid", "profile"])
    body = run.tokens(
        scope="openid", claims=asked(id_token={"email": {"essential": True}}, userinfo={"email": None})
    )
    assert "email" not in claims(body["id_token"])
    assert "email" not in userinfo(run, body)


def test_unknown_claims_and_members_are_ignored(cast):
    """§5.5: any members used that are not understood MUST be ignored."""
    wanted = {
        "id_token": {"shoe_size": {"essential": True}, "auth_time": {"essential": True}},
        "other": {"x": 1},
    }
    body = flow(cast.member).tokens(scope="openid", claims=json.dumps(wanted))
    assert "auth_time" in claims(body["id_token"])
    assert "shoe_size" not in claims(body["id_token"])


def test_registered_claims_cannot_be_asked_away(cast):
    body = flow(cast.member).tokens(
        scope="openid", claims=asked(id_token={"iss": {"value": "x"}, "aud": None})
    )
    assert claims(body["id_token"])["iss"] == cast.acme.issuer


MALFORMED = [
    "x", "[]", "1", '"a"', '{"id_token": []}', '{"id_token": {"email": 1}}', '{"userinfo": "email"}', "{" * 500,
    '{"id_token": {"acr": {"essential": true, "values": "a"}}}', '{"id_token": {"acr": {"values": [1]}}}',
    '{"id_token": {"sub": {"value": 1}}}', '{"a": "' + "b" * 5000 + '"}', '{"id_token": {"acr": {"values": '
    + json.dumps(["a"] * 40) + "}}}", "NaN", '{"id_token": {"sub": {"value": null}}}',
]  # fmt: skip


@pytest.mark.parametrize("text", MALFORMED)
def test_malformed_claims_are_refused(cast, text):
    found = query_of(flow(cast.member).start(claims=text).headers["Location"])
    assert (found["error"], found["iss"]) == ("invalid_request", cast.acme.issuer)


def test_O15_sub_with_a_value_means_that_person(cast):
    """§5.5.1: a specific value for sub."""
    run = flow(cast.member)
    run.code()
    other = make_member(cast.acme)
    mine = asked(id_token={"sub": {"value": cast.member.subject}})
    theirs = asked(id_token={"sub": {"value": other.subject}})
    assert "code" in query_of(run.start(prompt="none", claims=mine).headers["Location"])
    found = query_of(run.start(prompt="none", claims=theirs).headers["Location"])
    assert found["error"] == "login_required"
    to_sign_in = run.start(claims=theirs)
    assert "/sign-in?" in to_sign_in.headers["Location"]
    fake_bridge.enter(run.browser, cast.member)
    back = run.browser.get(query_of(to_sign_in.headers["Location"])["next"])
    assert query_of(back.headers["Location"])["error"] == "login_required"


def test_T5_token_carries_names_only_and_only_when_asked(cast):
    run = flow(make_member(cast.acme))
    body = run.tokens(scope="openid", claims=asked(userinfo={"email": None}))
    assert claims(body["access_token"])["userinfo_claims"] == ["email"]
    assert "userinfo_claims" not in claims(flow(cast.member).tokens()["access_token"])


def test_metadata_says_so(cast):
    body = Browser().get(f"/t/{cast.acme.slug}/.well-known/openid-configuration").json()
    assert body["claims_parameter_supported"] is True
