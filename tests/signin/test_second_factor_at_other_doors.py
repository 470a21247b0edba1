"""M3: a phone or a wallet is a first proof; whoever has a second factor is asked for it there too."""

from __future__ import annotations

import pytest

from tests.factories import Cast, make_cast, make_member, make_tenant
from tests.factories.factors import add_totp, code_of
from tests.factories.hosted import elsewhere, prefix
from tests.signin import test_phone_door as phone
from tests.signin import test_wallet_door as wallet
from tests.signin.test_sign_in import seen


@pytest.fixture(scope="module")
def cast() -> Cast:
    cast = make_cast()
    cast.acme = make_tenant(policy={"sign_in_methods": ["password", "phone_code", "wallet"]})
    return cast


def test_M3_a_phone_code_is_half_the_way(cast: Cast) -> None:
    browser, person = elsewhere(), make_member(cast.acme)
    number, key = phone.linked(person), add_totp(person)
    page = browser.submit(phone.ask(browser, cast, number), {"code": phone.code_to(number)})
    assert "/sign-in" in browser.get(f"{prefix(cast.acme)}/sign-in/continue").headers["Location"]
    browser.follow(browser.submit(browser.follow(page), {"code": code_of(key)}))
    assert set(seen(browser, cast.acme).amr) >= {"sms", "otp"}


def test_M3_a_wallet_is_half_the_way(cast: Cast) -> None:
    browser, person = elsewhere(), make_member(cast.acme)
    held, key = wallet.linked(person), add_totp(person)
    page = wallet.ask(browser, cast, held.address.lower())
    answer = browser.submit(page, {"signature": wallet.signed(held, wallet.message_on(page))})
    assert "/sign-in" in browser.get(f"{prefix(cast.acme)}/sign-in/continue").headers["Location"]
    browser.follow(browser.submit(browser.follow(answer), {"code": code_of(key)}))
    assert set(seen(browser, cast.acme).amr) >= {"wallet", "otp"}
