"""Further addresses: proved before they count, announced to the old one, never somebody else's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import time_machine
from django.utils import timezone

from tests.factories import Browser, make_account, unique
from tests.factories.hosted import at_home, code_in, mails_to, sign_in

ADD, PROVE = "/account/addresses/add", "/account/addresses/proof"


def fresh() -> str:
    return f"{unique('second')}@example.com"


def claim(browser: Browser, email: str) -> Any:
    return browser.submit(browser.get(ADD), {"email": email}, to=ADD)


def prove(browser: Browser, code: str) -> Any:
    return browser.submit(browser.get(PROVE), {"code": code}, to=PROVE)


def with_second_address() -> tuple[Browser, str, str]:
    person, email = make_account(), fresh()
    browser = at_home(person)
    claim(browser, email)
    assert prove(browser, code_in(mails_to(email)[0])).status_code == 303
    return browser, person.email, email


def act(browser: Browser, word: str) -> Any:
    page = browser.get("/account/")
    path = page.content.decode().split('action="/account/addresses/eml_')[1].split("/")[0]
    return browser.submit(page, to=f"/account/addresses/eml_{path}/{word}")


def test_AUT19_an_address_is_added_once_its_code_is_typed() -> None:
    browser, first, second = with_second_address()
    assert second in browser.get("/account/").content.decode()
    assert sign_in(Browser(), None, second).status_code == 303
    assert any("An address was added" in mail["subject"] for mail in mails_to(first))


def test_L5_an_unproved_address_gives_nothing() -> None:
    person, email = make_account(), fresh()
    claim(at_home(person), email)
    assert sign_in(Browser(), None, email).status_code == 400


def test_L6_an_address_of_somebody_else_is_refused_and_only_to_who_reads_its_mail() -> None:
    owner, other = make_account(), make_account()
    browser = at_home(other)
    assert claim(browser, owner.email).status_code == 303
    assert prove(browser, code_in(mails_to(owner.email)[0])).status_code == 409
    assert sign_in(Browser(), None, owner.email).status_code == 303


def test_M1_a_code_is_compared_five_times_at_most() -> None:
    person, email = make_account(), fresh()
    browser = at_home(person)
    claim(browser, email)
    code = code_in(mails_to(email)[0])
    wrong = "000000" if code != "000000" else "111111"
    for _ in range(5):
        assert prove(browser, wrong).status_code == 400
    assert prove(browser, code).status_code == 400
    assert email not in browser.get("/account/").content.decode()


def test_L4_a_code_runs_out_and_a_newer_one_kills_it() -> None:
    person, email = make_account(), fresh()
    browser = at_home(person)
    claim(browser, email)
    older = code_in(mails_to(email)[0])
    claim(browser, email)
    newer = code_in(mails_to(email)[0])
    if older != newer:
        assert prove(browser, older).status_code == 400
    with time_machine.travel(timezone.now() + timedelta(minutes=16), tick=True):
        again = sign_in(browser, None, person.email, query="?prompt=login")
        browser.follow(again)
        assert browser.get(PROVE).status_code == 303


def test_the_primary_address_changes_and_the_old_one_is_told() -> None:
    browser, first, second = with_second_address()
    assert act(browser, "primary").status_code == 303
    assert "primary address was changed" in mails_to(first)[0]["subject"]
    assert browser.get("/account/").content.decode().count(second) >= 2


def test_an_address_is_removed_but_never_the_primary_one() -> None:
    browser, _first, second = with_second_address()
    assert act(browser, "remove").status_code == 303
    assert sign_in(Browser(), None, second).status_code == 400


def test_A1_nobody_touches_another_persons_address() -> None:
    browser, _first, second = with_second_address()
    page = browser.get("/account/").content.decode()
    path = page.split('action="/account/addresses/eml_')[1].split("/")[0]
    intruder = at_home(make_account())
    for word in ("primary", "remove"):
        answer = intruder.submit(intruder.get("/account/"), to=f"/account/addresses/eml_{path}/{word}")
        assert answer.status_code == 404
    assert sign_in(Browser(), None, second).status_code == 303


def test_L8_addresses_want_a_fresh_sign_in() -> None:
    browser, _first, second = with_second_address()
    with time_machine.travel(timezone.now() + timedelta(minutes=11), tick=True):
        assert "prompt=login" in browser.get(ADD).headers["Location"]
        assert "prompt=login" in act(browser, "remove").headers["Location"]
    assert sign_in(Browser(), None, second).status_code == 303
