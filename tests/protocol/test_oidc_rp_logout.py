"""OpenID Connect RP-Initiated Logout 1.0, and threat O12."""

from __future__ import annotations

import pytest

from tests.oauth.helpers import bearer_get, flow, query_of, register

HOME = "https://app.example/bye"


def logout(run, **parameters):
    return run.browser.get(f"/t/{run.tenant.slug}/oauth/end-session", parameters)


def is_signed_in(run):
    return "/sign-in?" not in run.start().headers.get("Location", "")


def test_hint_of_this_session_signs_out_and_returns(cast):
    """§2, §3: state is passed back; SES-07."""
    run = flow(cast.member, post_logout_redirect_uris=[HOME])
    body = run.tokens()
    answer = logout(run, id_token_hint=body["id_token"], post_logout_redirect_uri=HOME, state="s1")
    assert answer.headers["Location"].startswith(f"{HOME}?")
    assert query_of(answer.headers["Location"]) == {"state": "s1"}
    assert not is_signed_in(run)
    assert bearer_get(cast.acme, "/oauth/userinfo", body["access_token"]).status_code == 401
    assert run.refresh(body["refresh_token"]).json()["error"] == "invalid_grant"


def test_O12_without_a_hint_a_page_asks_first(cast):
    """§2: SHOULD ask the end-user."""
    run = flow(cast.member, post_logout_redirect_uris=[HOME])
    run.tokens()
    client_id = run.app.application.client_id
    page = logout(run, client_id=client_id, post_logout_redirect_uri=HOME, state="s2")
    assert page.status_code == 200
    assert is_signed_in(run)
    answer = run.browser.submit(page)
    assert query_of(answer.headers["Location"]) == {"state": "s2"}
    assert not is_signed_in(run)


def test_O12_forged_confirmation_leaves_the_person_in(cast):
    run = flow(cast.member)
    run.tokens()
    path = f"/t/{cast.acme.slug}/oauth/end-session/confirm"
    assert run.browser.post(path, {"everywhere": "on"}).status_code == 403
    assert is_signed_in(run)
    assert run.browser.get(path).status_code != 500
    assert is_signed_in(run)


def test_O12_hint_of_another_session_asks_first(cast):
    run = flow(cast.member)
    other = flow(cast.member, app=run.app)
    hint = other.tokens()["id_token"]
    assert logout(run, id_token_hint=hint).status_code == 200
    assert is_signed_in(run)


@pytest.mark.parametrize(
    "address", [HOME + "/", HOME + "?x=1", "https://evil.example", "javascript:alert(1)"]
)
def test_O12_unregistered_return_address_is_not_followed(cast, address):
    """§3: MUST NOT redirect unless it exactly matches."""
    run = flow(cast.member, post_logout_redirect_uris=[HOME])
    body = run.tokens()
    answer = logout(run, id_token_hint=body["id_token"], post_logout_redirect_uri=address)
    assert answer.headers["Location"] == f"/t/{cast.acme.slug}/signed-out"


def test_O12_return_address_needs_the_same_client_as_the_hint(cast):
    """§2: client_id MUST match the hint."""
    run = flow(cast.member)
    other = register(cast.acme, post_logout_redirect_uris=[HOME])
    body = run.tokens()
    answer = logout(
        run,
        id_token_hint=body["id_token"],
        client_id=other.application.client_id,
        post_logout_redirect_uri=HOME,
    )
    assert not answer.headers["Location"].startswith(HOME)


@pytest.mark.parametrize("hint", ["x", "a.b.c"])
def test_broken_hint_asks_first(cast, hint):
    run = flow(cast.member)
    assert logout(run, id_token_hint=hint).status_code == 200
    assert is_signed_in(run)


def test_hint_of_another_tenant_is_none(cast):
    hint = flow(cast.other_member).tokens()["id_token"]
    run = flow(cast.member)
    assert logout(run, id_token_hint=hint).status_code == 200


def test_nobody_signed_in_just_returns(cast):
    run = flow(cast.member, post_logout_redirect_uris=[HOME])
    body = run.tokens()
    run.browser.cookies.clear()
    answer = logout(run, id_token_hint=body["id_token"], post_logout_redirect_uri=HOME)
    assert answer.headers["Location"] == HOME


def test_other_tenants_and_browsers_are_untouched(cast):
    """SES-06: signing out of one leaves the others."""
    run, other, elsewhere = flow(cast.member), flow(cast.member), flow(cast.other_member)
    body, theirs, foreign = run.tokens(), other.tokens(), elsewhere.tokens()
    logout(run, id_token_hint=body["id_token"])
    assert other.refresh(theirs["refresh_token"]).status_code == 200
    assert elsewhere.refresh(foreign["refresh_token"]).status_code == 200
