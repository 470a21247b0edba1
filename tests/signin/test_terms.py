"""The stage of the tenant's terms: asked behind every proof, before anything opens, and again for a new version."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings

from core import scope
from events import selectors as events
from tenants.models import Member
from tests.factories import Browser, Cast, Person, make_cast, make_member, make_organization, unique
from tests.factories.factors import add_totp, code_of, enrol_app
from tests.factories.hosted import code_in, mails_to, prefix, sign_in, sign_up
from tests.factories.policies import change_policy
from tests.oauth.helpers import Flow, query_of, register
from tests.signin.test_sign_in import who

FIRST, SECOND = "2026-11", "2027-01"


@pytest.fixture
def cast() -> Cast:
    cast = make_cast()
    change_policy(cast.acme, terms_version=FIRST)
    return cast


@pytest.fixture(autouse=True)
def _real_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "SIGNIN_BRIDGE", "signin.bridge")


def come(browser: Browser, cast: Cast, person: Person, query: str = "") -> Any:
    return browser.follow(sign_in(browser, cast.acme, person.email, query=query))


def is_asked(page: Any) -> bool:
    return "/sign-in/terms" in page.requested_path


def accept(browser: Browser, cast: Cast, page: Any) -> Any:
    return browser.submit(page, to=f"{prefix(cast.acme)}/sign-in/terms")


def row_of(cast: Cast, person: Person) -> Member:
    with scope.tenant(cast.acme.id):
        return Member.objects.get(account_id=person.account_id)


def test_nothing_opens_before_they_are_accepted_and_the_way_back_stays(cast: Cast) -> None:
    browser = Browser()
    run = Flow(cast.acme, register(cast.acme), browser)
    start = run.start()
    page = come(browser, cast, cast.member, "?" + start.headers["Location"].partition("?")[2])
    assert is_asked(page)
    assert FIRST in page.content.decode()
    assert who(browser, cast.acme) is None
    assert "/sign-in?" in run.start().headers["Location"]
    consent = browser.follow(accept(browser, cast, page))
    assert "code" in query_of(run.allow(consent).headers["Location"])
    row = row_of(cast, cast.member)
    assert (row.terms_version, row.terms_accepted_at is not None) == (FIRST, True)


def test_it_is_the_persons_own_act_on_record(cast: Cast) -> None:
    browser = Browser()
    accept(browser, cast, come(browser, cast, cast.member))
    with scope.tenant(cast.acme.id):
        [row] = events.described(events.stream().filter(type="user.terms_accepted"))
        data = events.envelope(row)["data"]
    assert (data["actor"]["type"], data["actor"]["id"]) == ("user", cast.member.subject)
    assert (data["object"]["terms_version"], data["previous"]) == (FIRST, {"terms_version": ""})
    assert "You accepted the terms of a service" in browser.get("/account/activity").content.decode()


def test_whoever_accepted_is_not_asked_until_there_is_a_newer_version(cast: Cast) -> None:
    browser = Browser()
    browser.follow(accept(browser, cast, come(browser, cast, cast.member)))
    assert who(browser, cast.acme) is not None
    assert not is_asked(come(Browser(), cast, cast.member))
    change_policy(cast.acme, terms_version=SECOND)
    assert who(browser, cast.acme) is None
    page = browser.follow(browser.get(f"{prefix(cast.acme)}/sign-in"))
    assert is_asked(page)
    assert browser.follow(accept(browser, cast, page)).status_code == 200
    assert row_of(cast, cast.member).terms_version == SECOND


def test_an_old_page_accepts_no_newer_version(cast: Cast) -> None:
    browser = Browser()
    page = come(browser, cast, cast.member)
    change_policy(cast.acme, terms_version=SECOND)
    again = accept(browser, cast, page)
    assert SECOND in again.content.decode()
    assert row_of(cast, cast.member).terms_version == ""


def test_M3_half_a_sign_in_accepts_nothing(cast: Cast) -> None:
    key, browser = add_totp(cast.member), Browser()
    page = come(browser, cast, cast.member)
    assert "/sign-in/second-factor" in page.requested_path
    assert "/sign-in" in browser.get(f"{prefix(cast.acme)}/sign-in/terms").headers["Location"]
    page = browser.follow(browser.submit(page, {"code": code_of(key)}))
    assert is_asked(page)
    change_policy(cast.acme, member_factor="passkey")
    browser.follow(accept(browser, cast, page))
    assert row_of(cast, cast.member).terms_version == ""


def test_enrolment_comes_first_and_the_organization_stays_chosen(cast: Cast) -> None:
    change_policy(cast.acme, member_factor="second_factor")
    person = make_member(cast.acme)
    wanted, _other = (make_organization(cast.acme, people=[person]) for _ in range(2))
    browser = Browser()
    page = come(browser, cast, person, f"?organization={wanted.public_id}")
    assert "/sign-in/enrol" in page.requested_path
    enrol_app(browser)
    page = browser.follow(browser.get(f"{prefix(cast.acme)}/sign-in?organization={wanted.public_id}"))
    assert is_asked(page)
    browser.follow(accept(browser, cast, page))
    known = who(browser, cast.acme)
    assert known is not None and known.organization_id == wanted.id


def test_a_new_member_is_asked_and_other_tenants_ask_nobody(cast: Cast) -> None:
    browser, email = Browser(), f"{unique('new')}@example.com"
    page = sign_up(browser, cast.acme, email)
    page = browser.follow(browser.submit(page, {"code": code_in(mails_to(email)[0])}))
    assert is_asked(page)
    other = Browser()
    assert not is_asked(other.follow(sign_in(other, cast.globex, cast.other_member.email)))
    assert "/sign-in" in Browser().get(f"{prefix(cast.acme)}/sign-in/terms").headers["Location"]


def test_B1_another_site_accepts_for_nobody(cast: Cast) -> None:
    browser = Browser()
    come(browser, cast, cast.member)
    forged = browser.post(f"{prefix(cast.acme)}/sign-in/terms", {"version": FIRST})
    assert forged.status_code == 403
    assert row_of(cast, cast.member).terms_version == ""


def test_who_declines_is_signed_out(cast: Cast) -> None:
    browser = Browser()
    page = come(browser, cast, cast.member)
    out = browser.follow(browser.submit(page, to=f"{prefix(cast.acme)}/sign-out"))
    assert out.status_code == 200
    assert row_of(cast, cast.member).terms_version == ""
    assert who(browser, cast.acme) is None
