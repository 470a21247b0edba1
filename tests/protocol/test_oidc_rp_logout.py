"""OpenID Connect RP-Initiated Logout 1.0, and threat O12.

The tests named test_module_… are the modules of the conformance suite's plan
`oidcc-rp-initiated-logout-certification-test-plan`.
"""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from core import jose, scope
from core.principal import SYSTEM
from tenants import keys, tokens
from tests.factories import Browser
from tests.oauth.helpers import bearer_get, claims, flow, query_of, register

HOME = "https://app.example/bye"


def logout(run, **parameters):
    return run.browser.get(f"/t/{run.tenant.slug}/oauth/end-session", parameters)


def is_signed_in(run):
    return "/sign-in?" not in run.start().headers.get("Location", "")


def asks(page: Any) -> bool:
    return page.status_code == 200 and "Sign out?" in page.content.decode()


def assert_is_out(run, answer) -> None:
    """Our own page says so, and a silent request finds nobody, as the suite looks."""
    assert answer.headers["Location"] == f"/t/{run.tenant.slug}/signed-out"
    assert_silence_fails(run)


def assert_silence_fails(run) -> None:
    answer = run.start(prompt="none")
    assert query_of(answer.headers["Location"])["error"] == "login_required"


@pytest.fixture
def run(cast):
    return flow(cast.member, post_logout_redirect_uris=[HOME])


# --- the plan --------------------------------------------------------------------------------------------


def test_module_discovery_endpoint_verification(cast):
    metadata = Browser().get(f"/t/{cast.acme.slug}/.well-known/openid-configuration").json()
    assert metadata["end_session_endpoint"] == f"{cast.acme.issuer}/oauth/end-session"


def test_module_rp_initiated_logout(run):
    hint = run.tokens()["id_token"]
    answer = logout(run, id_token_hint=hint, post_logout_redirect_uri=HOME, state="s1")
    assert answer.headers["Location"].startswith(f"{HOME}?")
    assert query_of(answer.headers["Location"]) == {"state": "s1"}
    assert_silence_fails(run)


def test_module_bad_post_logout_redirect_uri(run):
    hint = run.tokens()["id_token"]
    page = logout(run, id_token_hint=hint, post_logout_redirect_uri="https://other.example/", state="s")
    assert asks(page)
    assert "you will stay here" in page.content.decode()
    assert_is_out(run, run.browser.submit(page))


def test_module_modified_id_token_hint(run):
    """The signature taken off: alg none."""
    body = run.tokens()["id_token"].split(".")[1]
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).rstrip(b"=").decode()
    page = logout(run, id_token_hint=f"{header}.{body}.", post_logout_redirect_uri=HOME, state="s")
    assert asks(page)
    assert is_signed_in(run)
    assert_is_out(run, run.browser.submit(page))


def test_module_no_id_token_hint(run):
    run.tokens()
    page = logout(run, post_logout_redirect_uri=HOME, state="s")
    assert asks(page)
    assert_is_out(run, run.browser.submit(page))


def test_module_no_params(run):
    run.tokens()
    page = logout(run)
    assert asks(page)
    assert_is_out(run, run.browser.submit(page))


def test_module_no_post_logout_redirect_uri(run):
    assert_is_out(run, logout(run, id_token_hint=run.tokens()["id_token"], state="s"))


def test_module_no_state(run):
    hint = run.tokens()["id_token"]
    answer = logout(run, id_token_hint=hint, post_logout_redirect_uri=HOME)
    assert answer.headers["Location"] == HOME
    assert_silence_fails(run)


def test_module_only_state(run):
    run.tokens()
    page = logout(run, state="s")
    assert asks(page)
    assert_is_out(run, run.browser.submit(page))


def test_module_query_added_to_post_logout_redirect_uri(run):
    hint = run.tokens()["id_token"]
    page = logout(run, id_token_hint=hint, post_logout_redirect_uri=f"{HOME}?foo=bar", state="s")
    assert asks(page)
    assert_is_out(run, run.browser.submit(page))


def test_module_bad_id_token_hint(run):
    """Signed by a key that is not ours."""
    known = claims(run.tokens()["id_token"])
    forged = jose.sign(known, jose.generate_key("ES256"), "JWT")
    page = logout(run, id_token_hint=forged, post_logout_redirect_uri=HOME, state="s")
    assert asks(page)
    assert is_signed_in(run)
    assert_is_out(run, run.browser.submit(page))


# --- hints -----------------------------------------------------------------------------------------------


def hint_of(run, **changes):
    """An ID token of the session in this browser, made anew."""
    known = claims(run.tokens()["id_token"])
    options = {"lifetime": 3600, "client_id": known["aud"], **changes}
    return tokens.mint_id_token(
        run.tenant,
        subject=known["sub"],
        auth_time=timezone.now(),
        session_id=run_session(run),
        **options,
    ).token


def run_session(run):
    from tests.oauth import fake_bridge

    return fake_bridge.signed[run.browser.cookies["fake"].value].session.id


def test_expired_hint_is_accepted_for_its_session(run):
    """§2: the OP SHOULD accept ID Tokens even when the exp time has passed."""
    hint = hint_of(run, lifetime=-600)
    assert logout(run, id_token_hint=hint, post_logout_redirect_uri=HOME).headers["Location"] == HOME


def test_R11_hint_signed_by_a_key_that_was_rotated_since(run):
    hint = run.tokens()["id_token"]
    with scope.tenant(run.tenant.id):
        keys.rotate_as(SYSTEM)
    assert logout(run, id_token_hint=hint, post_logout_redirect_uri=HOME).headers["Location"] == HOME


def test_T2_access_token_is_no_hint(run):
    assert asks(logout(run, id_token_hint=run.tokens()["access_token"]))
    assert is_signed_in(run)


def test_hint_of_a_client_that_is_gone_asks_first(run):
    assert asks(logout(run, id_token_hint=hint_of(run, client_id="app_gone")))
    assert is_signed_in(run)


def test_post_is_taken_and_becomes_the_same_get(run):
    """§2: GET and POST. The redirect lets the SameSite cookie come along from another site's form."""
    hint = run.tokens()["id_token"]
    bare = Browser()
    form = {"id_token_hint": hint, "post_logout_redirect_uri": HOME, "state": "s", "other": "x"}
    answer = bare.post(f"/t/{run.tenant.slug}/oauth/end-session", form)
    assert answer.status_code == 303
    assert "other" not in answer.headers["Location"]
    assert is_signed_in(run)
    after = run.browser.get(answer.headers["Location"])
    assert query_of(after.headers["Location"]) == {"state": "s"}
    assert not is_signed_in(run)


def test_other_methods_are_refused(run):
    assert run.browser.put(f"/t/{run.tenant.slug}/oauth/end-session").status_code == 405


@pytest.mark.parametrize("name", ["session", "subject", "email"])
def test_logout_hint_that_names_this_person_asks_nothing_more(run, name):
    """§2: logout_hint."""
    body = run.tokens()
    known = claims(body["id_token"])
    meant = {"session": known["sid"], "subject": known["sub"], "email": known["email"]}[name]
    answer = logout(run, id_token_hint=body["id_token"], logout_hint=meant, post_logout_redirect_uri=HOME)
    assert answer.headers["Location"] == HOME


def test_logout_hint_that_names_another_person_asks_first(run):
    hint = run.tokens()["id_token"]
    page = logout(run, id_token_hint=hint, logout_hint="somebody@else.example", post_logout_redirect_uri=HOME)
    assert asks(page)
    assert "somebody@else.example" not in page.content.decode()
    assert is_signed_in(run)


def test_logout_hint_alone_proves_nothing(run):
    known = claims(run.tokens()["id_token"])
    assert asks(logout(run, logout_hint=known["sid"], client_id=known["aud"]))
    assert is_signed_in(run)


@pytest.mark.parametrize(("tags", "language"), [("fr-CA de-AT en", "de"), ("tlh", "en"), ("", "en")])
def test_ui_locales_choose_the_language_of_the_page(run, tags, language):
    page = logout(run, ui_locales=tags)
    assert page.headers["Content-Language"] == language
    assert f'<html lang="{language}"' in page.content.decode()


@pytest.mark.parametrize(
    "query", ["state=a&state=b", "state=%00", f"state={'s' * 9000}", "id_token_hint=" + "x" * 9000]
)
def test_malformed_requests_prove_nothing(run, query):
    page = run.browser.get(f"/t/{run.tenant.slug}/oauth/end-session?{query}")
    assert asks(page)
    assert is_signed_in(run)


def test_too_long_a_form_still_leads_to_the_question(run):
    form = urlencode({"id_token_hint": "x" * 20_000})
    kind = "application/x-www-form-urlencoded"
    answer = run.browser.post(f"/t/{run.tenant.slug}/oauth/end-session", form, content_type=kind)
    assert asks(run.browser.get(answer.headers["Location"]))


# --- who may, and where to --------------------------------------------------------------------------------


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
    "address", [HOME + "/", HOME + "?x=1", HOME + "#x", "https://evil.example", "javascript:alert(1)"]
)
def test_O12_unregistered_return_address_is_not_followed(cast, address):
    """§3: MUST NOT redirect unless it exactly matches; the person is asked and stays here."""
    run = flow(cast.member, post_logout_redirect_uris=[HOME])
    body = run.tokens()
    page = logout(run, id_token_hint=body["id_token"], post_logout_redirect_uri=address)
    assert asks(page)
    answer = run.browser.submit(page)
    assert answer.headers["Location"] == f"/t/{cast.acme.slug}/signed-out"


def test_O12_client_id_must_be_the_one_of_the_hint(cast):
    """§2: the OP MUST verify that client_id matches the hint."""
    run = flow(cast.member)
    other = register(cast.acme, post_logout_redirect_uris=[HOME])
    body = run.tokens()
    page = logout(
        run,
        id_token_hint=body["id_token"],
        client_id=other.application.client_id,
        post_logout_redirect_uri=HOME,
    )
    assert asks(page)
    assert is_signed_in(run)
    assert run.browser.submit(page).headers["Location"] == f"/t/{cast.acme.slug}/signed-out"


def test_O12_address_of_another_clients_registration_is_not_followed(cast):
    register(cast.acme, post_logout_redirect_uris=[HOME])
    run = flow(cast.member)
    assert asks(logout(run, id_token_hint=run.tokens()["id_token"], post_logout_redirect_uri=HOME))


def test_O12_nobody_signed_in_and_no_proof_of_the_client_leads_nowhere(cast):
    register(cast.acme, post_logout_redirect_uris=[HOME])
    answer = Browser().get(
        f"/t/{cast.acme.slug}/oauth/end-session", {"post_logout_redirect_uri": HOME, "state": "s"}
    )
    assert answer.headers["Location"] == f"/t/{cast.acme.slug}/signed-out"


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
