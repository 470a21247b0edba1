"""M1, O11: a hundred guesses at once of each kind of code; five at most are compared.

Every guess comes from a network of its own and by the browser where the code may be typed, so that nothing
but the count of the code itself holds them back.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import settings
from django.db import connections

from core import secrets
from identity import recovery_codes
from identity.models import TotpDevice
from oauth import device_approval
from oauth.grants import DEVICE_CODE
from signin import flows
from tests.factories import Browser, Cast, make_cast, make_member, make_tenant, unique
from tests.factories.factors import add_recovery_codes, add_totp, code_of
from tests.factories.hosted import code_in, elsewhere, mails_to, prefix, sign_in, sign_up
from tests.oauth.helpers import form, register
from tests.signin import test_mail_door as mail
from tests.signin import test_phone_door as phone
from tests.signin.test_second_factor import asked, recovery_url
from tests.signin.test_sign_in import who

GUESSES, AT_ONCE, COMPARES = 100, 8, 5


@pytest.fixture(scope="module")
def cast() -> Cast:
    cast = make_cast()
    cast.acme = make_tenant(policy={"sign_in_methods": ["password", "email_code", "phone_code"]})
    return cast


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Any]]:
    """Count the calls of a comparing function from now on, and let it work."""

    def watch(owner: Any, name: str) -> list[Any]:
        seen: list[Any] = []
        real = getattr(owner, name)

        def counting(*given: Any, **more: Any) -> Any:
            seen.append(given)
            return real(*given, **more)

        monkeypatch.setattr(owner, name, counting)
        return seen

    return watch


def guess_at_once(
    browser: Browser,
    page: Any,
    right: str,
    field: str = "code",
    to: str = "",
    guesses: int = GUESSES,
    **more: str,
) -> set[int]:
    """Post that many wrong values like `right` in eight threads; returns the statuses."""
    wrong = [value for value in (f"{n:06d}" for n in range(guesses + 1)) if value != right][:guesses]

    def guess(turn: int) -> int:
        one = Browser(REMOTE_ADDR=f"10.90.{turn // 250}.{turn % 250 + 1}")
        one.cookies = browser.cookies
        try:
            return int(one.submit(page, {field: wrong[turn], **more}, to=to).status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return set(pool.map(guess, range(guesses)))


def test_M1_codes_of_an_authenticator_app(cast: Cast, compared: Any) -> None:
    browser, person = elsewhere(), make_member(cast.acme)
    key = add_totp(person)
    page = asked(browser, cast.acme, person)
    seen = compared(TotpDevice, "verify_token")
    assert 303 not in guess_at_once(browser, page, code_of(key))
    assert 1 <= len(seen) <= COMPARES
    assert browser.submit(page, {"code": code_of(key)}).status_code in (410, 429)


def test_M1_codes_of_an_app_over_many_challenges_at_once(cast: Cast, compared: Any) -> None:
    """Whoever knows the password begins as many challenges as they like: the count is the account's too."""
    person = make_member(cast.acme)
    right = code_of(add_totp(person))
    begun = [(browser := elsewhere(), asked(browser, cast.acme, person)) for _ in range(4)]
    seen, started = compared(TotpDevice, "verify_token"), time.monotonic()
    with ThreadPoolExecutor(len(begun)) as pool:
        share = GUESSES // len(begun)
        answers = list(pool.map(lambda one: guess_at_once(one[0], one[1], right, guesses=share), begun))
    assert not any(303 in one for one in answers)
    assert 1 <= len(seen) <= COMPARES + _waited_out(time.monotonic() - started)


def test_M1_recovery_codes(cast: Cast, compared: Any) -> None:
    browser, person = elsewhere(), make_member(cast.acme)
    add_totp(person)
    codes = add_recovery_codes(person)
    page = browser.get(recovery_url(asked(browser, cast.acme, person)))
    seen = compared(recovery_codes, "use")
    assert 303 not in guess_at_once(browser, page, "")
    assert 1 <= len(seen) <= COMPARES
    assert browser.submit(page, {"code": codes[0]}).status_code in (410, 429)


def test_M1_codes_by_mail(cast: Cast, compared: Any) -> None:
    browser, person = elsewhere(), make_member(cast.acme)
    page = mail.ask(browser, cast.acme, person.email)
    right, seen = code_in(mails_to(person.email)[0]), compared(flows, "is_right")
    assert 303 not in guess_at_once(browser, page, right)
    assert len(seen) == COMPARES
    assert browser.submit(page, {"code": right}).status_code in (410, 429)
    assert who(browser, cast.acme) is None


def test_M1_codes_by_phone(cast: Cast, compared: Any) -> None:
    browser, person = elsewhere(), make_member(cast.acme)
    number = phone.linked(person)
    page = phone.ask(browser, cast, number)
    right, seen = phone.code_to(number), compared(flows, "is_right")
    assert 303 not in guess_at_once(browser, page, right)
    assert len(seen) == COMPARES
    assert browser.submit(page, {"code": right}).status_code in (410, 429)
    assert who(browser, cast.acme) is None


def test_M1_codes_of_a_sign_up(cast: Cast, compared: Any) -> None:
    browser, email = elsewhere(), f"{unique('new')}@example.com"
    page = sign_up(browser, cast.acme, email)
    right, seen = code_in(mails_to(email)[0]), compared(flows, "check_proof")
    assert 303 not in guess_at_once(browser, page, right)
    assert len(seen) == COMPARES
    assert browser.submit(page, {"code": right}).status_code == 410


def test_M1_codes_that_prove_a_further_address(cast: Cast, compared: Any) -> None:
    browser, email, to = elsewhere(), f"{unique('more')}@example.com", "/account/addresses/proof"
    browser.follow(sign_in(browser, None, cast.stranger.email))
    add = "/account/addresses/add"
    page = browser.follow(browser.submit(browser.get(add), {"email": email}, to=add))
    right, seen = code_in(mails_to(email)[0]), _claims(compared)
    assert 303 not in guess_at_once(browser, page, right, to=to)
    assert len([one for one in seen if one[2] == "identity.claim"]) == COMPARES
    assert browser.submit(page, {"code": right}, to=to).status_code == 400


def test_M1_codes_that_prove_a_phone(cast: Cast, compared: Any) -> None:
    browser, to, number = elsewhere(), "/account/contacts/phones/proof", "+4930901829999"
    browser.follow(sign_in(browser, None, cast.other_member.email))
    add = "/account/contacts/phones/add"
    page = browser.follow(browser.submit(browser.get(add), {"phone": number}, to=add))
    right, seen = phone.code_to(number), _claims(compared)
    assert 303 not in guess_at_once(browser, page, right, to=to)
    assert len([one for one in seen if one[2] == "identity.contact"]) == COMPARES
    assert browser.submit(page, {"code": right}, to=to).status_code == 400


def _claims(compared: Any) -> list[Any]:
    """Watch the one constant-time compare of digests; its third argument names the purpose."""
    seen: list[Any] = compared(secrets, "matches")
    return seen


def test_O11_user_codes_of_devices(cast: Cast, compared: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever waits is guessed at, so the count is the person's: five at once, then growing waits."""
    monkeypatch.setattr(settings, "SIGNIN_BRIDGE", "signin.bridge")
    browser, person = elsewhere(), make_member(cast.acme)
    app = register(cast.acme, "device", redirect_uris=[], grants=[DEVICE_CODE], scopes=["openid"])
    waiting = form(cast.acme, "/oauth/device/code", {"scope": "openid"}, app=app).json()
    browser.follow(sign_in(browser, cast.acme, person.email))
    page = browser.get(f"{prefix(cast.acme)}/oauth/device/verify")
    seen, started = compared(device_approval, "claim"), time.monotonic()
    answers = guess_at_once(browser, page, "", field="user_code")
    assert answers <= {422, 429}
    assert 1 <= len(seen) <= COMPARES + _waited_out(time.monotonic() - started)
    late = browser.submit(page, {"user_code": waiting["user_code"]})
    assert late.status_code == 429


def _waited_out(seconds: float) -> int:
    """How many of the waits of 2, 4, 8 … seconds end within the time that the guesses took."""
    waits = 0
    while seconds >= 2 ** (waits + 1):
        waits, seconds = waits + 1, seconds - 2 ** (waits + 1)
    return waits
