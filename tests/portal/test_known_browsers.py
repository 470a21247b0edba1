"""The browsers that an account knows: seen by its person alone, and new again once forgotten (ANC-23)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from core import scope
from events.models import Event
from identity.models import KnownDevice
from tests.factories import Browser, Cast, Person, make_cast
from tests.factories.hosted import elsewhere, mails_to, sign_in

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0"
PAGE = "/account/sessions"


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def at_home(person: Person, **headers: str) -> Browser:
    browser = elsewhere()
    browser.defaults.update(headers)
    browser.follow(sign_in(browser, None, person.email, person.password))
    return browser


def rows(person: Person) -> list[KnownDevice]:
    with scope.account(person.account_id):
        return list(KnownDevice.objects.filter(account_id=person.account_id).order_by("seen_at"))


def known_card(browser: Browser) -> str:
    found = re.search(r'id="known".*', browser.get(PAGE).content.decode(), re.S)
    return found[0] if found else ""


def news(person: Person) -> int:
    return sum("new" in mail["subject"].lower() for mail in mails_to(person.email))


def forget(browser: Browser, where: str) -> Any:
    return browser.submit(browser.get(PAGE), {}, to=where)


def test_a_browser_is_listed_and_a_sign_in_is_news_again_once_it_is_forgotten(cast: Cast) -> None:
    person = cast.member
    first, second = at_home(person), at_home(person, HTTP_USER_AGENT=FIREFOX)
    assert "Firefox on Linux" in known_card(first)
    told = news(person)
    assert told == 1
    row = rows(person)[1]
    answer = forget(first, f"/account/known-browsers/{row.public_id}/removal")
    assert answer.status_code == 303
    assert "Firefox on Linux" not in known_card(first)
    assert second.get(PAGE).status_code == 200, "what is signed in stays so"
    second.cookies.pop("session")
    second.follow(sign_in(second, None, person.email, person.password))
    assert news(person) == told + 1
    assert "Firefox on Linux" in known_card(first)
    with scope.account(person.account_id):
        assert Event.objects.filter(type="device.forgotten").count() == 1


def test_all_are_forgotten_at_once(cast: Cast) -> None:
    browser = at_home(cast.member)
    at_home(cast.member, HTTP_USER_AGENT=FIREFOX)
    forget(browser, "/account/known-browsers/removal")
    assert known_card(browser) == ""
    assert all(row.forgotten_at and row.checked_at is None for row in rows(cast.member))
    assert len(rows(cast.member)) == 2, "an account without any would look as if it had just begun"


def test_A1_nobody_sees_or_forgets_anothers_browser(cast: Cast) -> None:
    at_home(cast.member, HTTP_USER_AGENT=FIREFOX)
    intruder = at_home(cast.stranger)
    assert "Firefox" not in known_card(intruder)
    for name in (rows(cast.member)[0].public_id, "dev_nothing", "dev_00000000000000000000000000"):
        answer = forget(intruder, f"/account/known-browsers/{name}/removal")
        assert answer.status_code == 404
    forget(intruder, "/account/known-browsers/removal")
    assert rows(cast.member)[0].forgotten_at is None


def test_somebody_not_signed_in_is_asked_to_sign_in(cast: Cast) -> None:
    browser = elsewhere()
    answer = browser.submit(browser.get("/sign-in"), {}, to="/account/known-browsers/removal")
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/sign-in?")
    assert browser.get("/account/known-browsers/removal").status_code == 405
