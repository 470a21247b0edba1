"""ANC-23: throw-away addresses at sign-up, from the invited, and as a further address."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from core import scope
from events.models import Event
from identity.disposable import is_disposable
from tests.factories import Browser, Cast, make_cast, make_member, unique
from tests.factories.browser import path_of
from tests.factories.hosted import NEW_PASSWORD, elsewhere, link_in, mails_to, prefix, sign_in, work
from tests.factories.policies import change_policy


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def thrown_away() -> str:
    return f"{unique('gone')}@mailinator.com"


def sign_up(browser: Browser, tenant: Any, email: str, query: str = "", **more: str) -> Any:
    page = browser.get(f"{prefix(tenant)}/sign-up{query}")
    return browser.submit(page, {"name": "Nora", "email": email, "new_password": NEW_PASSWORD, **more})


def recorded(tenant: Any) -> list[str]:
    with scope.tenant(tenant.id):
        rows = Event.objects.filter(type__in=("risk.elevated", "signup.blocked")).order_by("id")
        return list(rows.values_list("type", flat=True))


@pytest.mark.parametrize("domain", ["mailinator.com", "MAILINATOR.com", "any.name.yopmail.com"])
def test_listed_domains_and_those_beneath_are_throw_away(domain: str) -> None:
    assert is_disposable(domain)


@pytest.mark.parametrize("domain", ["example.com", "notmailinator.com", "com", "mailinator.com.example.org"])
def test_others_are_not(domain: str) -> None:
    assert not is_disposable(domain)


def test_an_operator_names_further_ones_in_a_file(tmp_path: Path) -> None:
    own = tmp_path / "own.txt"
    own.write_text("# ours\nthrow.example  # seen in March\n")
    with override_settings(DISPOSABLE_DOMAINS=str(own)):
        assert is_disposable("throw.example")
        assert is_disposable("mailinator.com")
    assert not is_disposable("throw.example")


def test_they_are_taken_unless_the_tenant_says_otherwise(cast: Cast) -> None:
    assert sign_up(elsewhere(), cast.acme, thrown_away()).status_code == 303
    assert recorded(cast.acme) == []


def test_blocked_the_form_says_why_and_nothing_is_mailed(cast: Cast) -> None:
    change_policy(cast.acme, risk_disposable_mail="block")
    email = thrown_away()
    answer = sign_up(elsewhere(), cast.acme, email)
    assert answer.status_code == 403
    assert "Your mail provider is not accepted here" in answer.content.decode()
    assert mails_to(email) == []
    assert recorded(cast.acme) == ["risk.elevated", "signup.blocked"]
    assert sign_up(elsewhere(), cast.globex, thrown_away()).status_code == 303
    assert sign_up(elsewhere(), cast.acme, f"{unique('new')}@example.com").status_code == 303


def test_L2_it_is_refused_alike_for_known_and_unknown_addresses(cast: Cast) -> None:
    from tests.signin.test_sign_up import masked

    known, unknown = make_member(cast.globex, thrown_away()).email, thrown_away()
    change_policy(cast.acme, risk_disposable_mail="block")
    pages = [masked(sign_up(elsewhere(), cast.acme, email), email) for email in (known, unknown)]
    assert pages[0] == pages[1]


def test_notice_only_is_recorded(cast: Cast) -> None:
    change_policy(cast.acme, risk_disposable_mail="notify")
    assert sign_up(elsewhere(), cast.acme, thrown_away()).status_code == 303
    assert recorded(cast.acme) == ["risk.elevated"]


def test_a_step_up_asks_the_browser_for_work(cast: Cast) -> None:
    change_policy(cast.acme, risk_disposable_mail="step_up", challenge_sign_up="off")
    browser, email = elsewhere(), thrown_away()
    page = sign_up(browser, cast.acme, email)
    assert page.status_code == 400
    claim = {"name": "Nora", "email": email, "new_password": NEW_PASSWORD}
    assert browser.submit(page, {**claim, **work(page)}).status_code == 303


def test_single_sign_on_does_not_bring_one_in(cast: Cast) -> None:
    change_policy(cast.acme, risk_disposable_mail="block")
    person, browser = make_member(cast.globex, thrown_away()), elsewhere()
    page = browser.follow(sign_in(browser, cast.acme, person.email))
    answer = browser.submit(page, {}, to=page.requested_path)
    assert answer.status_code == 403
    assert "disposable_mail" in answer.content.decode()


def test_an_invited_one_is_refused(cast: Cast) -> None:
    change_policy(cast.acme, risk_disposable_mail="block")
    email = thrown_away()
    from tests.factories import access_token

    token = access_token(cast.owner, ["invitations:write"])
    path = f"/t/{cast.acme.slug}/v1/invitations"
    asked = Browser().api("POST", path, token, {"email": email}, Idempotency_Key=unique("i"))
    assert asked.status_code == 201, asked.content
    browser = elsewhere()
    page = browser.follow(browser.get(path_of(link_in(mails_to(email)[0]))))
    assert page.status_code == 200
    page = browser.get(
        f"{prefix(cast.acme)}/sign-up", {"next": page.requested_path + "?" + page.request["QUERY_STRING"]}
    )
    answer = browser.submit(page, {"name": "Nora", "email": email, "new_password": NEW_PASSWORD})
    assert answer.status_code == 403


def test_a_member_does_not_change_to_one(cast: Cast) -> None:
    change_policy(cast.acme, risk_disposable_mail="block")
    for person, status in ((cast.member, 400), (cast.other_member, 303)):
        browser, email = elsewhere(), thrown_away()
        browser.follow(sign_in(browser, None, person.email))
        path = "/account/addresses/add"
        answer = browser.submit(browser.get(path), {"email": email}, to=path)
        assert answer.status_code == status
        assert bool(mails_to(email)) is (status == 303)


def test_whoever_is_a_member_already_goes_on_signing_in(cast: Cast) -> None:
    person = make_member(cast.acme, thrown_away())
    change_policy(cast.acme, risk_disposable_mail="block")
    browser = elsewhere()
    assert browser.follow(sign_in(browser, cast.acme, person.email)).status_code in (200, 302)
