"""AUT-03, L1: fifteen characters where the password is the only factor, eight beside a second one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections

from core import scope
from identity.models import Account, TotpDevice
from tests.factories import Browser, Person, make_account, make_tenant, unique
from tests.factories.factors import add_passkey, add_totp, code_of, enrol_app
from tests.factories.hosted import at_home, sign_in, sign_up
from tests.portal.test_authenticators import at_home_with_code, held
from tests.signin.test_recovery import choose, link_for

SHORT, LONG = "gk7 wovd", "a much longer pass phrase of mine"


@pytest.fixture
def person() -> Person:
    return make_account()


def change(browser: Browser, password: str) -> Any:
    path = "/account/password"
    return browser.submit(browser.get(path), {"new_password": password}, to=path)


def remove(browser: Browser, public_id: str) -> Any:
    page = browser.get("/account/security")
    return browser.submit(page, {}, to=f"/account/authenticators/{public_id}/removal")


def app_of(person: Person) -> str:
    found = held(person).totp
    assert found is not None
    return found.public_id


def test_L1_eight_do_beside_an_app_which_is_then_asked_for(person: Person) -> None:
    key = add_totp(person)
    browser = at_home_with_code(person, key)
    assert "At least 8 characters" in browser.get("/account/password").content.decode()
    assert change(browser, SHORT[:7]).status_code == 400
    assert change(browser, SHORT).status_code == 303
    page = (new := Browser()).follow(sign_in(new, None, person.email, SHORT))
    assert "/sign-in/second-factor" in page.requested_path
    new.follow(new.submit(page, {"code": code_of(key, 1)}))
    assert new.get("/account/").status_code == 200


def test_L1_without_a_second_factor_eight_are_too_few(person: Person) -> None:
    add_totp(make_account())  # a stranger's helps nobody
    refused = change(at_home(person), SHORT)
    assert refused.status_code == 400
    assert "Use at least 15 characters." in refused.content.decode()
    refused = choose(Browser(), link_for(None, person.email), SHORT)
    assert "Use at least 15 characters." in refused.content.decode()


def test_L5_a_factor_that_an_intruder_added_shortens_nothing(person: Person) -> None:
    intruder = at_home(person)
    enrol_app(intruder)
    assert "Use at least 15 characters." in change(intruder, SHORT).content.decode()


def test_a_recovery_beside_a_factor_takes_eight(person: Person) -> None:
    key = add_totp(person)
    link = link_for(None, person.email)
    assert "At least 8 characters" in Browser().get(link).content.decode()
    assert choose(Browser(), link, SHORT).status_code == 303
    page = (new := Browser()).follow(sign_in(new, None, person.email, SHORT))
    assert "/sign-in/second-factor" in page.requested_path
    assert new.submit(page, {"code": code_of(key)}).status_code == 303


def test_M5_the_last_factor_stays_while_the_password_is_short(person: Person) -> None:
    key = add_totp(person)
    browser = at_home_with_code(person, key)
    assert change(browser, SHORT).status_code == 303
    told = browser.follow(remove(browser, app_of(person))).content.decode()
    assert "too short to stand alone" in told
    assert held(person).totp is not None
    assert change(browser, LONG).status_code == 303
    remove(browser, app_of(person))
    assert held(person).totp is None


def test_M5_another_factor_frees_the_one(person: Person) -> None:
    key = add_totp(person)
    browser = at_home_with_code(person, key)
    assert change(browser, SHORT).status_code == 303
    add_passkey(person)
    remove(browser, app_of(person))
    assert (held(person).totp, len(held(person).passkeys)) == (None, 1)


def test_M5_a_removal_and_a_short_password_at_once_do_not_meet(person: Person) -> None:
    """Whichever comes second is refused: nobody is left with a short password alone."""
    key = add_totp(person)
    browser, public_id = at_home_with_code(person, key), app_of(person)
    form, page = browser.get("/account/password"), browser.get("/account/security")

    def act(turn: int) -> int:
        one = Browser()
        one.cookies = browser.cookies
        try:
            if turn:
                return int(one.submit(form, {"new_password": SHORT}, to="/account/password").status_code)
            return int(one.submit(page, {}, to=f"/account/authenticators/{public_id}/removal").status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(act, range(2)))
    with scope.account(person.account_id):
        is_short = Account.objects.get(id=person.account_id).password_needs_factor
        assert not is_short or TotpDevice.objects.filter(user_id=person.account_id).exists()


def test_AUT03_the_preset_of_twelve_with_four_classes(person: Person) -> None:
    tenant = make_tenant(policy={"password_min_length": 12, "password_classes": True})
    add_totp(person)
    link = link_for(tenant, person.email)
    short, plain = choose(Browser(), link, "gK7 wovd"), choose(Browser(), link, "gk7 wovd plx")
    assert "Use at least 12 characters." in short.content.decode()
    assert "Use 4 of" in plain.content.decode()
    assert choose(Browser(), link, "gK7 wovd plx").status_code == 303
    alone = sign_up(Browser(), tenant, f"{unique('new')}@example.com", password="gK7 wovd plx")
    assert "Use at least 15 characters." in alone.content.decode()
