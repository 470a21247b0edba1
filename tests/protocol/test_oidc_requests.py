"""OpenID Connect Core §3.1.2.1 and its companions: how the sign-in shall be, and how the answer comes back."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings

from identity import assurance
from tests.factories import Browser, make_member
from tests.factories.hosted import sign_in
from tests.oauth import fake_bridge
from tests.oauth.helpers import REDIRECT, Flow, claims, flow, query_of, register

PASSWORD, MFA, PHR = assurance.PASSWORD, assurance.MULTI_FACTOR, assurance.PHISHING_RESISTANT


def essential(*values: str) -> str:
    return json.dumps({"id_token": {"acr": {"essential": True, "values": list(values)}}})


def signed(run: Flow):
    return fake_bridge.signed[run.browser.cookies["fake"].value]


def come_back(run: Flow, to_sign_in, person, acr: str = PASSWORD):
    """Sign in as the hosted pages would, and follow the way back."""
    fake_bridge.enter(run.browser, person).acr = acr
    return run.browser.get(query_of(to_sign_in.headers["Location"])["next"])


@pytest.fixture
def two_factors(monkeypatch):
    """As if the hosted pages had a second factor to offer."""
    monkeypatch.setattr(fake_bridge, "OFFERED", (PASSWORD, MFA))


# --- acr (AUT-16) -----------------------------------------------------------------------------------------


def test_levels_satisfy_those_below_them():
    ordered = [assurance.GUEST, PASSWORD, MFA, PHR]
    for have, acr in enumerate(ordered):
        for want, wanted in enumerate(ordered):
            assert assurance.satisfies(acr, wanted) is (have >= want)
    assert not assurance.satisfies(PHR, "urn:other:gold")
    assert not assurance.satisfies("urn:other:gold", assurance.GUEST)
    assert assurance.satisfies("urn:claviger:acr:password", PASSWORD)  # of sessions opened before the name


@pytest.mark.parametrize("wanted", [PASSWORD, assurance.GUEST, f"{MFA} {PASSWORD}"])
def test_met_acr_asks_nothing(cast, wanted):
    run = flow(cast.member)
    run.code()
    assert "code" in query_of(run.start(acr_values=wanted).headers["Location"])


@pytest.mark.parametrize("wanted", [MFA, PHR, "urn:other:gold", "é"])
def test_voluntary_acr_out_of_reach_is_passed_over_truly(cast, wanted):
    """§3.1.2.1: voluntary; the token says what it was."""
    run = flow(cast.member)
    run.code()
    answer = run.start(acr_values=wanted)
    found = query_of(answer.headers["Location"])
    assert claims(run.redeem(found["code"]).json()["id_token"])["acr"] == PASSWORD


@pytest.mark.parametrize("changes", [{}, {"prompt": "none"}, {"prompt": "login"}])
def test_O15_essential_acr_out_of_reach_is_an_error(cast, changes):
    """§5.5.1.1; OpenID Connect Core Error Code unmet_authentication_requirements."""
    run = flow(cast.member)
    run.code()
    found = query_of(run.start(claims=essential(PHR), **changes).headers["Location"])
    assert (found["error"], found["iss"]) == ("unmet_authentication_requirements", cast.acme.issuer)
    nobody = Flow(cast.acme, run.app, Browser())
    assert query_of(nobody.start(claims=essential(PHR)).headers["Location"])["error"] == (
        "unmet_authentication_requirements"
    )


def test_O15_higher_acr_in_reach_prompts_and_the_token_tells(cast, two_factors):
    run = flow(cast.member)
    run.code()
    to_sign_in = run.start(acr_values=f"{PHR} {MFA}")
    assert query_of(to_sign_in.headers["Location"])["acr_values"] == MFA
    back = come_back(run, to_sign_in, cast.member, MFA)
    body = run.redeem(query_of(back.headers["Location"])["code"]).json()
    assert claims(body["id_token"])["acr"] == claims(body["access_token"])["acr"] == MFA


def test_O15_coming_back_at_the_lower_level(cast, two_factors):
    """The wish is passed over, the demand is not met."""
    run = flow(cast.member)
    run.code()
    wish = come_back(run, run.start(acr_values=MFA), cast.member)
    assert "code" in query_of(wish.headers["Location"])
    demand = come_back(run, run.start(claims=essential(MFA)), cast.member)
    assert query_of(demand.headers["Location"])["error"] == "unmet_authentication_requirements"
    met = come_back(run, run.start(claims=essential(MFA)), cast.member, MFA)
    assert "code" in query_of(met.headers["Location"])


def test_O15_silent_request_for_a_level_in_reach_is_login_required(cast, two_factors):
    run = flow(cast.member)
    run.code()
    for changes in ({"acr_values": MFA}, {"claims": essential(MFA)}):
        found = query_of(run.start(prompt="none", **changes).headers["Location"])
        assert found["error"] == "login_required"


# --- prompt, max_age, hints -------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["select_account", "create"])
def test_choosing_prompts_are_asked_once(cast, word):
    """OpenID Connect Core §3.1.2.1; Initiating User Registration §4."""
    run = flow(cast.member)
    run.code()
    to_sign_in = run.start(prompt=word)
    assert query_of(to_sign_in.headers["Location"])["prompt"] == word
    assert "code" in query_of(come_back(run, to_sign_in, cast.member).headers["Location"])


def test_O15_mark_of_one_request_does_not_freshen_another(cast):
    """A fresh sign-in answers the request that demanded it, and no other."""
    run = flow(cast.member)
    run.code()
    first = run.start(prompt="login", nonce="one")
    mark = query_of(query_of(first.headers["Location"])["next"])["asked"]
    come_back(run, first, cast.member)
    again = run.browser.get(run.address(prompt="login", nonce="two", asked=mark))
    assert "/sign-in?" in again.headers["Location"]


def test_O15_registered_default_max_age_counts_where_none_is_sent(cast):
    """OpenID Connect Registration §2: default_max_age."""
    run = flow(cast.member, default_max_age=60)
    run.code()
    signed(run).auth_time -= timedelta(minutes=5)
    assert "/sign-in?" in run.start().headers["Location"]
    assert "code" in query_of(run.start(max_age="3600").headers["Location"])


def test_O15_id_token_hint_of_another_person_ends_in_login_required(cast):
    """§3.1.2.1: asked to sign in once; if it is not that person, the client is told."""
    run = flow(cast.member)
    other = make_member(cast.acme)
    hint = flow(other).tokens()["id_token"]
    run.code()
    to_sign_in = run.start(id_token_hint=hint)
    assert query_of(to_sign_in.headers["Location"])["prompt"] == "login"
    wrong = come_back(run, to_sign_in, cast.member)
    assert query_of(wrong.headers["Location"])["error"] == "login_required"
    right = come_back(run, run.start(id_token_hint=hint), other)
    assert right.status_code == 200


def test_hints_reach_the_hosted_pages(cast):
    run = Flow(cast.acme, register(cast.acme), Browser())
    answer = run.start(login_hint="someone@example.com", ui_locales="de en", max_age="5")
    found = query_of(answer.headers["Location"])
    assert (found["login_hint"], found["ui_locales"]) == ("someone@example.com", "de en")


def test_hints_on_the_real_hosted_pages(cast, monkeypatch):
    """The address is filled in, the language spoken on every step."""
    monkeypatch.setattr(settings, "SIGNIN_BRIDGE", "signin.bridge")
    person = make_member(cast.acme)
    run = Flow(cast.acme, register(cast.acme), Browser())
    start = run.start(login_hint=person.email, ui_locales="de")
    page = run.browser.follow(start)
    text = page.content.decode()
    assert '<html lang="de"' in text
    assert f'value="{person.email}"' in text
    asked = run.browser.follow(run.browser.submit(page, {"email": person.email}))
    assert '<html lang="de"' in asked.content.decode()


def test_prompt_create_on_the_real_hosted_pages(cast, monkeypatch):
    monkeypatch.setattr(settings, "SIGNIN_BRIDGE", "signin.bridge")
    nobody = Flow(cast.acme, register(cast.acme), Browser())
    page = nobody.browser.follow(nobody.start(prompt="create"))
    assert page.requested_path.endswith("/sign-up")
    person = make_member(cast.acme)
    somebody = Flow(cast.acme, nobody.app, Browser())
    start = somebody.start()
    query = "?" + start.headers["Location"].partition("?")[2]
    somebody.browser.follow(sign_in(somebody.browser, cast.acme, person.email, query=query))
    chooser = somebody.browser.follow(somebody.start(prompt="create"))
    assert "Create an account" in chooser.content.decode()
    assert "You are signed in as" in chooser.content.decode()


# --- response_mode ----------------------------------------------------------------------------------------


def posted(page) -> tuple[str, dict[str, str]]:
    """Return where the page's form leads and what it carries."""
    text = page.content.decode()
    action = html.unescape(re.search(r'<form action="([^"]*)" method="post"', text)[1])
    fields = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', text)
    return action, {name: html.unescape(value) for name, value in fields}


def test_O6_form_post_carries_code_state_and_iss(cast):
    """OAuth 2.0 Form Post Response Mode §2."""
    run = flow(cast.member)
    page = run.allow(run.start(response_mode="form_post"))
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    action, fields = posted(page)
    assert action == REDIRECT
    assert (fields["state"], fields["iss"]) == ("st-1", cast.acme.issuer)
    assert run.redeem(fields["code"]).status_code == 200
    policy = page.headers["Content-Security-Policy"]
    assert "form-action 'self' https://app.example" in policy
    assert "<button" in page.content.decode()  # without script
    assert "unsafe-inline" not in policy


def test_O6_form_post_of_an_error(cast):
    run = flow(cast.member)
    for changes, error in (
        ({"scope": "nonsense"}, "invalid_scope"),
        ({"prompt": "none"}, "consent_required"),
        ({"nonce": ["a", "b"]}, "invalid_request"),
    ):
        action, fields = posted(run.start(response_mode="form_post", **changes))
        assert action == REDIRECT
        assert (fields["error"], fields["state"], fields["iss"]) == (error, "st-1", cast.acme.issuer)
    denied = run.allow(run.start(response_mode="form_post"), "deny")
    assert posted(denied)[1]["error"] == "access_denied"


def test_B3_form_post_escapes_what_the_client_sent(cast):
    run = flow(cast.member, is_first_party=True)
    state = '"><script>alert(1)</script>'
    page = run.start(response_mode="form_post", state=state)
    assert "<script>alert" not in page.content.decode()
    assert posted(page)[1]["state"] == state


@pytest.mark.parametrize("mode", ["fragment", "jwt", "query.jwt", "web_message", "x"])
def test_other_response_modes_are_refused_in_the_query(cast, mode):
    """RFC 9700 §2.1.2: nothing of ours stands in a fragment."""
    answer = flow(cast.member).start(response_mode=mode)
    assert "#" not in answer.headers["Location"]
    assert query_of(answer.headers["Location"])["error"] == "invalid_request"


@pytest.mark.parametrize("uri", ["https://app.example/callback", "https://evil.example/"])
def test_O1_form_post_to_an_unregistered_address_is_a_page(cast, uri):
    run = flow(cast.member, redirect_uris=["https://app.example/other"])
    answer = run.start(redirect_uri=uri, response_mode="form_post")
    assert answer.status_code == 400
    assert uri not in answer.content.decode()


# --- resource (RFC 8707) ----------------------------------------------------------------------------------


def test_OAU22_resource_in_both_requests(cast):
    """RFC 8707 §2: one audience for a token; the same one named again is no other."""
    run = flow(cast.member)
    audience = f"{cast.acme.issuer}/v1"
    code = run.code(resource=[audience, audience])
    body = run.redeem(code, resource=audience).json()
    assert claims(body["access_token"])["aud"] == audience
    refused = run.redeem(run.code(resource=audience), resource=["https://a.example", audience])
    assert refused.json()["error"] == "invalid_target"
    other = run.redeem(run.code(resource=audience), resource="https://elsewhere.example")
    assert other.json()["error"] == "invalid_target"


def test_O7_too_long_a_request_is_a_page(cast):
    run = flow(cast.member)
    assert run.start(state="s" * 7000).status_code == 400
    address = run.address(state="s" * 7000)
    path, _, query = address.partition("?")
    sent = run.browser.post(path, query, content_type="application/x-www-form-urlencoded")
    assert sent.status_code == 400


def test_O6_every_kind_of_answer_names_the_issuer(cast):
    """RFC 9207 §2."""
    run = flow(cast.member)
    locations = [
        run.start(prompt="none"), run.start(scope="x"), run.start(response_type="token"),
        run.allow(run.start(), "deny"), run.allow(run.start()), run.start(),
    ]  # fmt: skip
    for answer in locations:
        query = parse_qs(urlsplit(answer.headers["Location"]).query)
        assert query["iss"] == [cast.acme.issuer]
