"""The person's own pages: seen and changed by their owner only."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from tests.factories import Browser, Cast, make_account, make_cast
from tests.factories.hosted import NEW_PASSWORD, at_home, mails_to, sign_in

PASSWORD_PAGE = "/account/password"
PAGES = ["", "security", "sessions", "organizations", "password"]


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


@pytest.mark.parametrize("page", PAGES)
def test_each_page_opens_for_its_owner(cast: Cast, page: str) -> None:
    assert at_home(cast.member).get(f"/account/{page}").status_code == 200


@pytest.mark.parametrize("page", PAGES)
def test_each_page_sends_a_stranger_to_sign_in(page: str) -> None:
    response = Browser().get(f"/account/{page}")
    assert response.status_code == 303
    assert response.headers["Location"].startswith("/sign-in?next=%2Faccount%2F")


def test_a_tenants_address_has_no_account_pages(cast: Cast) -> None:
    browser = at_home(cast.member)
    assert browser.get(f"/t/{cast.acme.slug}/account/").status_code == 404


def test_L10_only_the_name_and_language_are_written(cast: Cast) -> None:
    person = make_account()
    browser = at_home(person)
    page = browser.get("/account/")
    extra = {"email": "other@example.com", "status": "locked", "is_primary": "on", "password": "x"}
    answer = browser.submit(page, {"name": "Ada New", "locale": "de", **extra}, to="/account/")
    assert answer.status_code == 303
    after = browser.get("/account/").content.decode()
    assert 'value="Ada New"' in after
    assert person.email in after
    assert "other@example.com" not in after


def test_one_other_session_is_ended_and_stays_ended(cast: Cast) -> None:
    person = make_account()
    here, there = at_home(person), at_home(person)
    page = here.get("/account/sessions")
    assert page.content.decode().partition('id="known"')[0].count("Unknown browser") == 2
    ended = page.content.decode().split('action="/account/sessions/ids_')[1].split('"')[0]
    assert here.submit(page, to=f"/account/sessions/ids_{ended}").status_code == 303
    assert there.get("/account/").status_code == 303
    assert here.get("/account/").status_code == 200


def test_all_others_are_ended_at_once(cast: Cast) -> None:
    person = make_account()
    here, *others = [at_home(person) for _ in range(3)]
    page = here.get("/account/sessions")
    assert here.submit(page, to="/account/sessions/others/end").status_code == 303
    assert [other.get("/account/").status_code for other in others] == [303, 303]
    assert here.get("/account/").status_code == 200


def test_SES04_all_are_ended_this_one_too(cast: Cast) -> None:
    person = make_account()
    here, there = at_home(person), at_home(person)
    answer = here.submit(here.get("/account/sessions"), to="/account/sessions/all/end")
    assert answer.headers["Location"] == "/signed-out"
    assert [browser.get("/account/").status_code for browser in (here, there)] == [303, 303]


def test_SES04_each_sign_in_says_which_services_it_opened(cast: Cast) -> None:
    browser = at_home(cast.member)
    assert (
        f'<td data-label="Services">{cast.acme.slug.title()}'
        not in browser.get("/account/sessions").content.decode()
    )
    browser.follow(browser.get(f"/t/{cast.acme.slug}/sign-in"))
    page = browser.get("/account/sessions").content.decode()
    assert f'<td data-label="Services">{cast.acme.slug.title()}' in page


def test_A1_nobody_ends_another_persons_session(cast: Cast) -> None:
    owner, stranger = make_account(), make_account()
    theirs = at_home(owner)
    second = at_home(owner)
    page = theirs.get("/account/sessions").content.decode()
    ended_path = page.split('action="/account/sessions/ids_')[1].split('"')[0]
    intruder = at_home(stranger)
    start = intruder.get("/account/")
    assert intruder.submit(start, to=f"/account/sessions/ids_{ended_path}").status_code == 404
    assert second.get("/account/").status_code == 200


def test_a_new_password_ends_other_sign_ins_and_is_announced(cast: Cast) -> None:
    person = make_account()
    here, there = at_home(person), at_home(person)
    answer = here.submit(here.get(PASSWORD_PAGE), {"new_password": NEW_PASSWORD}, to=PASSWORD_PAGE)
    assert answer.headers["Location"] == "/account/security?notice=changed"
    assert there.get("/account/").status_code == 303
    assert here.get("/account/").status_code == 200
    assert "Your password was changed" in mails_to(person.email)[0]["subject"]
    assert sign_in(Browser(), None, person.email).status_code == 400
    assert sign_in(Browser(), None, person.email, NEW_PASSWORD).status_code == 303


def test_a_weak_new_password_is_refused(cast: Cast) -> None:
    person = make_account()
    browser = at_home(person)
    answer = browser.submit(browser.get(PASSWORD_PAGE), {"new_password": "short"}, to=PASSWORD_PAGE)
    assert answer.status_code == 400
    assert sign_in(Browser(), None, person.email).status_code == 303


def test_L8_a_stale_sign_in_must_prove_itself_before_the_password_page(cast: Cast) -> None:
    person = make_account()
    browser = at_home(person)
    with time_machine.travel(timezone.now() + timedelta(minutes=11), tick=True):
        refused = browser.get("/account/password")
        assert refused.status_code == 303
        assert "prompt=login" in refused.headers["Location"]
        old = browser.cookies["session"].value
        again = sign_in(browser, None, person.email, query="?next=/account/password&prompt=login")
        assert browser.follow(again).status_code == 200
        assert browser.get("/account/password").status_code == 200
        assert browser.cookies["session"].value != old
    browser.cookies["session"] = old
    assert browser.get("/account/").status_code == 303


def test_an_idle_session_is_refused_after_an_hour(cast: Cast) -> None:
    browser = at_home(make_account())
    with time_machine.travel(timezone.now() + timedelta(minutes=59), tick=True):
        assert browser.get("/account/").status_code == 200
    with time_machine.travel(timezone.now() + timedelta(minutes=59 + 61), tick=True):
        assert browser.get("/account/").status_code == 303


def test_signing_out_ends_the_session_at_the_server(cast: Cast) -> None:
    browser = at_home(make_account())
    old = browser.cookies["session"].value
    page = browser.get("/account/")
    assert browser.submit(page, to="/sign-out").status_code == 303
    browser.cookies["session"] = old
    assert browser.get("/account/").status_code == 303


def test_organizations_lists_own_tenants_only(cast: Cast) -> None:
    page = at_home(cast.member).get("/account/organizations").content.decode()
    assert cast.acme.slug.title() in page
    assert cast.globex.slug.title() not in page


@pytest.mark.parametrize(
    ("act", "section"),
    [
        ("/account/authenticators/passkey_nothing/removal", "/account/security"),
        ("/account/addresses/eml_nothing/remove", "/account/"),
        ("/account/contacts/phones/phn_nothing/unlink", "/account/contacts"),
        ("/account/data/exports", "/account/data"),
    ],
)
def test_L8_who_is_asked_to_sign_in_again_is_told_why_and_comes_back_to_where_they_were(
    act: str, section: str
) -> None:
    person, browser = make_account(), Browser()
    browser.follow(sign_in(browser, None, person.email, person.password))
    page = browser.get("/account/")
    with time_machine.travel(timezone.now() + timedelta(minutes=11), tick=True):
        asked = browser.follow(answer := browser.submit(page, {}, to=act))
        assert answer.status_code == 303
        assert "Nothing was changed yet" in asked.content.decode()
        password = browser.follow(browser.submit(asked, {"email": person.email}))
        landed = browser.follow(browser.submit(password, {"password": person.password}))
    assert landed.requested_path == section


@pytest.mark.parametrize(
    ("path", "section"),
    [
        ("/account/password", "/account/security"),
        ("/account/authenticators/app", "/account/security"),
        ("/account/addresses/add", "/account/"),
        ("/account/contacts/phones/add", "/account/contacts"),
        ("/account/tokens/new", "/account/tokens"),
        ("/account/data/deletion", "/account/data"),
    ],
)
def test_a_further_page_shows_where_it_belongs_and_leads_back(path: str, section: str) -> None:
    person, browser = make_account(), Browser()
    browser.follow(sign_in(browser, None, person.email, person.password))
    html = browser.get(path).content.decode()
    current = re.findall(r'<a [^>]*aria-current="page"[^>]*>', html)
    assert len(current) == 1
    assert f'href="{section}"' in current[0]
    assert html.count(f'href="{section}"') >= 2, "the rail and Cancel"
