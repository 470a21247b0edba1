"""Every door to tokens and pages, with more demanded than a password: it still asks (AUT-15, AUT-16, M3)."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings

from oauth.grants import DEVICE_CODE, REFRESH_TOKEN, TOKEN_EXCHANGE
from tests.factories import Browser, Cast, Person, make_cast, make_member, make_organization
from tests.factories.factors import (
    MFA,
    PASSWORD,
    PHR,
    add_passkey,
    add_totp,
    code_of,
    enrol_app,
    use_passkey,
)
from tests.factories.hosted import NEW_PASSWORD, link_in, mails_to, sign_in
from tests.factories.policies import change_organization_policy, change_policy, demand_by_role
from tests.oauth.helpers import Flow, claims, query_of, register


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture(autouse=True)
def _real_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "SIGNIN_BRIDGE", "signin.bridge")


def run_of(cast: Cast, browser: Browser | None = None, **options: Any) -> Flow:
    return Flow(cast.acme, register(cast.acme, **options), browser or Browser())


def arrive(run: Flow, person: Person, **changes: Any) -> Any:
    """Start an authorization and give the password; returns the page that follows."""
    start = run.start(**changes)
    query = "?" + start.headers["Location"].partition("?")[2]
    return run.browser.follow(sign_in(run.browser, run.tenant, person.email, query=query))


def is_asked(page: Any) -> bool:
    return "/sign-in/second-factor" in page.requested_path


def is_enrolling(page: Any) -> bool:
    return "/sign-in/enrol" in page.requested_path


def tokens(run: Flow, consent: Any) -> dict[str, Any]:
    found = query_of(run.allow(consent).headers["Location"])
    body: dict[str, Any] = run.redeem(found["code"]).json()
    return body


# --- enforcement ------------------------------------------------------------------------------------------


def test_AUT15_without_a_factor_one_enrols_before_tokens(cast: Cast) -> None:
    change_policy(cast.acme, member_factor="second_factor")
    run = run_of(cast)
    page = arrive(run, cast.member)
    assert is_enrolling(page)
    assert "/sign-in?" in run.start().headers["Location"]
    made = enrol_app(run.browser)
    assert made.content.decode().count("-") > 10
    consent = run.browser.follow(run.start())
    body = tokens(run, consent)
    assert claims(body["id_token"])["acr"] == MFA
    assert claims(body["id_token"])["amr"] == ["otp", "pwd", "mfa"]


def test_AUT15_a_passkey_demanded_is_not_met_by_an_app(cast: Cast) -> None:
    change_policy(cast.acme, member_factor="passkey")
    key, run = add_totp(cast.member), run_of(cast)
    asked = arrive(run, cast.member)
    assert is_asked(asked)
    page = run.browser.follow(run.browser.submit(asked, {"code": code_of(key)}))
    assert is_enrolling(page)
    assert "A passkey is needed" in page.content.decode()
    assert "authenticator app" not in page.content.decode()


@pytest.mark.parametrize("demand", ["tenant", "organization", "role", "administrators"])
def test_AUT15_the_stricter_wins_wherever_it_is_demanded(cast: Cast, demand: str) -> None:
    person = make_member(cast.acme, roles=["admin"])
    organization = make_organization(cast.acme, people=[person])
    if demand == "tenant":
        change_policy(cast.acme, member_factor="second_factor")
        change_organization_policy(cast.acme, organization, member_factor="any")
    elif demand == "organization":
        change_organization_policy(cast.acme, organization, member_factor="second_factor")
    elif demand == "role":
        demand_by_role(cast.acme, "admin", "second_factor")
    else:
        change_policy(cast.acme, admin_mfa_required=True)
    assert is_enrolling(arrive(run_of(cast), person))


def test_AUT15_administrators_enrol_before_the_dashboard(cast: Cast) -> None:
    change_policy(cast.acme, admin_mfa_required=True)
    browser = Browser()
    sign_in(browser, None, cast.owner.email)
    page = browser.follow(browser.get(f"/dashboard/{cast.acme.slug}/"))
    assert is_enrolling(page)
    enrol_app(browser)
    assert browser.get(f"/dashboard/{cast.acme.slug}/").status_code == 200
    member = Browser()  # who administers nothing is not asked
    assert member.follow(sign_in(member, cast.acme, cast.member.email)).status_code == 200


# --- the doors --------------------------------------------------------------------------------------------


def demanding(cast: Cast) -> bytes:
    """The member has an app; the tenant demands a second factor from now on."""
    key = add_totp(cast.member)
    change_policy(cast.acme, member_factor="second_factor")
    return key


def test_M3_recovery_changes_the_password_and_still_asks(cast: Cast) -> None:
    demanding(cast)
    browser = Browser()
    page = browser.get(f"/t/{cast.acme.slug}/recovery")
    browser.submit(page, {"email": cast.member.email})
    link = link_in(next(mail for mail in mails_to(cast.member.email) if "recovery" in mail["links"][0]))
    changed = browser.submit(browser.get(link), {"new_password": NEW_PASSWORD})
    assert changed.status_code == 303
    page = browser.follow(sign_in(browser, cast.acme, cast.member.email, NEW_PASSWORD))
    assert is_asked(page)


def test_M3_a_device_is_not_allowed_by_a_password_alone(cast: Cast) -> None:
    browser = Browser()
    browser.follow(sign_in(browser, cast.acme, cast.member.email))
    demanding(cast)
    assert register(cast.acme, "device", grants=[DEVICE_CODE, REFRESH_TOKEN])
    page = browser.follow(browser.get(f"/t/{cast.acme.slug}/oauth/device/verify"))
    assert is_asked(page)


def test_M3_an_invitation_lets_nobody_past(cast: Cast) -> None:
    add_totp(cast.stranger)
    browser = Browser()
    page = browser.follow(sign_in(browser, cast.acme, cast.stranger.email, query="?next=/t/x/invitation"))
    assert is_asked(page)


def test_M3_a_sign_up_enrols_before_tokens(cast: Cast) -> None:
    change_policy(cast.acme, member_factor="second_factor")
    from tests.factories import unique
    from tests.factories.hosted import code_in, sign_up

    email, browser = f"{unique('new')}@example.com", Browser()
    page = sign_up(browser, cast.acme, email)
    done = browser.follow(browser.submit(page, {"code": code_in(mails_to(email)[0])}))
    assert is_enrolling(done)


def test_M3_single_sign_on_to_a_stricter_tenant_asks_for_what_is_missing(cast: Cast) -> None:
    from tests.factories.people import make_tenant

    key = None
    strict = make_tenant(policy={"member_factor": "second_factor"})
    run = run_of(cast)
    arrive(run, cast.member)
    key = add_totp(cast.member)
    there = Flow(strict, register(strict), run.browser)
    joining = run.browser.follow(there.start())
    page = run.browser.follow(run.browser.submit(joining))
    assert is_asked(page)
    consent = run.browser.follow(run.browser.submit(page, {"code": code_of(key)}))
    body = tokens(there, consent)
    assert claims(body["id_token"])["acr"] == MFA


def test_M3_an_organization_switch_asks_on_the_pages_and_at_refresh(cast: Cast) -> None:
    plain = make_organization(cast.acme, people=[cast.member])
    strict = make_organization(cast.acme, people=[cast.member])
    change_organization_policy(cast.acme, strict, member_factor="second_factor")
    run = run_of(cast)
    browser = run.browser
    start = run.start(organization=plain.public_id)
    query = "?" + start.headers["Location"].partition("?")[2]
    consent = browser.follow(sign_in(browser, cast.acme, cast.member.email, query=query))
    body = tokens(run, consent)
    refused = run.refresh(body["refresh_token"], organization=strict.public_id)
    assert refused.json()["error"] == "interaction_required"
    assert is_enrolling(browser.follow(run.start(organization=strict.public_id)))
    picked = browser.submit(
        browser.get(f"/t/{cast.acme.slug}/organization"), {"organization": strict.public_id}
    )
    assert is_enrolling(browser.follow(picked))


def test_M3_a_refresh_token_of_a_password_ends_when_more_is_demanded(cast: Cast) -> None:
    run = run_of(cast)
    body = tokens(run, arrive(run, cast.member))
    demanding(cast)
    refused = run.refresh(body["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


def test_M3_a_code_of_a_password_is_not_redeemed_when_more_is_demanded(cast: Cast) -> None:
    run = run_of(cast)
    found = query_of(run.allow(arrive(run, cast.member)).headers["Location"])
    demanding(cast)
    assert run.redeem(found["code"]).json()["error"] == "invalid_grant"


def test_M3_a_token_exchange_gives_nothing_for_a_password(cast: Cast) -> None:
    from tests.oauth.helpers import token as ask

    run = run_of(cast, grants=["authorization_code", REFRESH_TOKEN, TOKEN_EXCHANGE])
    body = tokens(run, arrive(run, cast.member))
    wanted = {
        "grant_type": TOKEN_EXCHANGE,
        "subject_token": body["access_token"],
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
    }
    assert ask(cast.acme, wanted, app=run.app).status_code == 200
    demanding(cast)
    assert ask(cast.acme, wanted, app=run.app).status_code == 400


# --- step-up ----------------------------------------------------------------------------------------------


def test_AUT16_a_higher_acr_asks_for_what_is_missing_only(cast: Cast) -> None:
    run = run_of(cast)
    first = tokens(run, arrive(run, cast.member))
    assert claims(first["id_token"])["acr"] == PASSWORD
    key, before = add_totp(cast.member), run.browser.cookies["session"].value
    page = run.browser.follow(run.start(acr_values=MFA))
    assert is_asked(page)
    back = run.browser.follow(run.browser.submit(page, {"code": code_of(key)}))
    body = run.redeem(query_of(back.headers["Location"])["code"]).json()
    second = claims(body["id_token"])
    assert (second["acr"], second["sid"]) == (MFA, claims(first["id_token"])["sid"])
    assert second["auth_time"] == claims(first["id_token"])["auth_time"]
    assert run.browser.cookies["session"].value != before  # L7: a new value, and the old one is nobody's
    stale = Browser()
    stale.cookies["session"] = before
    assert stale.get("/account/").status_code == 303


def test_AUT16_a_passkey_reaches_the_highest_level_and_moves_auth_time(cast: Cast) -> None:
    run = run_of(cast)
    first = claims(tokens(run, arrive(run, cast.member))["id_token"])
    device = add_passkey(cast.member)
    page = run.browser.follow(run.start(acr_values=PHR))
    back = run.browser.follow(use_passkey(run.browser, page, device))
    second = claims(run.redeem(query_of(back.headers["Location"])["code"]).json()["id_token"])
    assert second["acr"] == PHR
    assert second["auth_time"] >= first["auth_time"]


def test_AUT16_max_age_asks_for_both_again_also_in_a_trusted_browser(cast: Cast) -> None:
    key, run = add_totp(cast.member), run_of(cast)
    page = arrive(run, cast.member)
    tokens(run, run.browser.follow(run.browser.submit(page, {"code": code_of(key), "trust": "on"})))
    assert is_asked(arrive(run, cast.member, max_age="0"))


def test_AUT16_a_step_up_is_no_other_persons(cast: Cast) -> None:
    run = run_of(cast)
    tokens(run, arrive(run, cast.member))
    add_totp(cast.member)
    other = add_totp(cast.owner)
    page = run.browser.follow(run.start(acr_values=MFA))
    assert run.browser.submit(page, {"code": code_of(other)}).status_code == 400
