"""L2 with the real password hash: 400 samples at each door, and a rank test that would see a difference.

It takes minutes and wants a machine that does little else, so the suite leaves it out:

    CLAVIGER_TIMING=1 ./bin/test tests/signin/test_enumeration_timing.py -n0 -s

`CLAVIGER_TIMING_SAMPLES=40` makes it quick and blunt.
"""

from __future__ import annotations

import math
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.test import override_settings
from django.utils import timezone

from core import scope
from federation import services
from federation.models import Connection
from identity import contacts
from tests.factories import (
    Browser,
    Cast,
    Person,
    make_account,
    make_cast,
    make_member,
    make_organization,
    make_principal,
    make_tenant,
    unique,
)
from tests.factories.hosted import NEW_PASSWORD, sign_in
from tests.federation.world import own_domain

pytestmark = [
    pytest.mark.skipif(not os.environ.get("CLAVIGER_TIMING"), reason="set CLAVIGER_TIMING=1 to measure"),
    pytest.mark.timeout(1800),
]
SAMPLES = int(os.environ.get("CLAVIGER_TIMING_SAMPLES", "400"))
REAL = ["core.passwords.Argon2idHasher"]
CONNECTION: dict[str, Any] = {
    "name": "Their provider",
    "issuer": "https://login.example",
    "client_id": "claviger",
    "client_secret": "a secret of the provider",
    "endpoints": {
        name: f"https://login.example/{name}"
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")
    },
}


@pytest.fixture(scope="module")
def cast() -> Cast:
    cast = make_cast()
    cast.acme = make_tenant(
        policy={"sign_in_methods": ["password", "magic_link", "email_code", "phone_code"]}
    )
    return cast


@pytest.fixture(scope="module")
def known() -> list[Person]:
    """People with a phone each, whose numbers are the even ones."""
    with override_settings(PASSWORD_HASHERS=REAL):
        people = [make_account() for _ in range(SAMPLES // 2)]
    for turn, person in enumerate(people):
        with scope.account(person.account_id):
            contacts.link_phone(account_id=person.account_id, address=contacts.number(number_of(turn, True)))
    return people


@pytest.fixture(scope="module")
def unknown() -> list[str]:
    """Addresses of nobody; each is asked for at every door, as each known one is, and leaves the same counts."""
    return [f"{unique('person')}@example.com" for _ in range(SAMPLES // 2)]


def number_of(turn: int, is_known: bool) -> str:
    return f"+493090{180_000 + 2 * turn + (not is_known)}"


def discovery(cast: Cast, browser: Browser, email: str, **sent: Any) -> Callable[[], Any]:
    """The address alone: where a way to sign in would be found for it."""
    page = browser.follow(browser.get(f"/t/{cast.acme.slug}/sign-in", **sent))
    return lambda: browser.follow(browser.submit(page, {"email": email}, **sent))


def password(cast: Cast, browser: Browser, email: str, **sent: Any) -> Callable[[], Any]:
    page = browser.follow(browser.get(f"/t/{cast.acme.slug}/sign-in", **sent))
    page = browser.follow(browser.submit(page, {"email": email}, **sent))
    return lambda: browser.submit(page, {"password": "a wrong guess of somebody"}, **sent)


def sign_up(cast: Cast, browser: Browser, email: str, **sent: Any) -> Callable[[], Any]:
    page = browser.get(f"/t/{cast.acme.slug}/sign-up", **sent)
    filled = {"name": "Nora New", "email": email, "new_password": NEW_PASSWORD}
    return lambda: browser.submit(page, filled, **sent)


def recovery(cast: Cast, browser: Browser, email: str, **sent: Any) -> Callable[[], Any]:
    page = browser.get(f"/t/{cast.acme.slug}/recovery", **sent)
    return lambda: browser.submit(page, {"email": email}, **sent)


def mail(cast: Cast, browser: Browser, email: str, **sent: Any) -> Callable[[], Any]:
    page = browser.get(f"/t/{cast.acme.slug}/sign-in", **sent)
    page = browser.follow(browser.submit(page, {"email": email}, **sent))
    return lambda: browser.submit(page, {"begin": "1"}, to=f"/t/{cast.acme.slug}/sign-in/mail", **sent)


def mailed_code(cast: Cast, browser: Browser, email: str, **sent: Any) -> Callable[[], Any]:
    page = browser.follow(mail(cast, browser, email, **sent)())
    return lambda: browser.submit(page, {"code": "00000x"}, **sent)


def phone(cast: Cast, browser: Browser, number: str, **sent: Any) -> Callable[[], Any]:
    page = browser.get(f"/t/{cast.acme.slug}/sign-in/phone", **sent)
    return lambda: browser.submit(page, {"phone": number}, **sent)


def phoned_code(cast: Cast, browser: Browser, number: str, **sent: Any) -> Callable[[], Any]:
    page = browser.follow(phone(cast, browser, number, **sent)())
    return lambda: browser.submit(page, {"code": "00000x"}, **sent)


BY_NUMBER = (phone, phoned_code)
DOORS: list[Callable[..., Callable[[], Any]]] = [
    discovery,
    password,
    sign_up,
    recovery,
    mail,
    mailed_code,
    *BY_NUMBER,
]


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_L2_known_and_unknown_addresses_cannot_be_told_apart_by_time(
    cast: Cast, known: list[Person], unknown: list[str], door: Callable[..., Callable[[], Any]]
) -> None:
    def ask(turn: int, is_known: bool) -> Callable[[], Any]:
        email = known[turn].email if is_known else unknown[turn]
        name = number_of(turn, is_known) if door in BY_NUMBER else email
        return door(cast, Browser(), name, **coming_from(turn, is_known))

    compare(door.__name__, ask)


def test_L2_a_blocked_right_password_takes_the_time_of_a_wrong_one(cast: Cast, known: list[Person]) -> None:
    strict = make_tenant(policy={"risk_new_device": "block"})
    with override_settings(PASSWORD_HASHERS=REAL):
        for person in known:
            Browser().follow(sign_in(Browser(), strict, person.email))  # the first device is no news

    def ask(turn: int, is_right: bool) -> Callable[[], Any]:
        # Half of them guess and half know; nobody fails so often that more is asked of them.
        sent, browser = coming_from(turn, is_right), Browser()
        page = browser.follow(browser.get(f"/t/{strict.slug}/sign-in", **sent))
        person = known[turn // 2 * 2 + is_right]
        page = browser.follow(browser.submit(page, {"email": person.email}, **sent))
        given = person.password if is_right else "a wrong guess of somebody"
        return lambda: browser.submit(page, {"password": given}, **sent)

    compare("blocked", ask, "right")


def test_L2_an_address_that_is_routed_to_its_provider_tells_nothing_either(cast: Cast) -> None:
    organization = make_organization(cast.acme)
    domain = own_domain(cast.acme, organization)
    with scope.tenant(cast.acme.id):
        actor = make_principal(cast.acme)
        row = services.create_connection(actor=actor, organization=organization, **CONNECTION)
        Connection.objects.filter(id=row.id).update(tested_at=timezone.now())
        services.activate(actor=actor, connection=Connection.objects.get(id=row.id))
    for turn in range(SAMPLES // 2):
        make_member(cast.acme, f"known-{turn}@{domain}")

    def ask(turn: int, is_known: bool) -> Callable[[], Any]:
        browser, sent = Browser(), coming_from(turn, is_known)
        page = browser.follow(browser.get(f"/t/{cast.acme.slug}/sign-in", **sent))
        word = "known" if is_known else "other"
        return lambda: browser.submit(page, {"email": f"{word}-{turn}@{domain}"}, **sent)

    there = ask(0, True)().headers["Location"]
    assert there.startswith(CONNECTION["endpoints"]["authorization_endpoint"])
    compare("routed", ask)


def coming_from(turn: int, kind: bool) -> dict[str, Any]:
    return {"headers": {"X-Forwarded-For": f"10.{60 + kind}.{turn // 250}.{turn % 250 + 1}"}}


def compare(name: str, prepare: Callable[[int, bool], Callable[[], Any]], kind: str = "known") -> None:
    """Time what `prepare(turn, kind)` returns, both kinds in turns, and expect one status and one distribution."""
    times: dict[bool, list[float]] = {True: [], False: []}
    statuses = set()
    with override_settings(PASSWORD_HASHERS=REAL, TRUSTED_PROXIES=1):
        for turn in range(SAMPLES // 2):
            for which in (turn % 2 == 0, turn % 2 == 1):
                ask = prepare(turn, which)
                started = time.perf_counter()
                answer = ask()
                times[which].append(time.perf_counter() - started)
                statuses.add(answer.status_code)
    advantage, p = rank_test(times[True], times[False])
    there, missing = (statistics.median(times[one]) * 1000 for one in (True, False))
    told = f"{name}: {there:.1f} / {missing:.1f} ms, P({kind} slower) {advantage:.3f}, p {p:.3f}"
    print(told)
    assert len(statuses) == 1, statuses
    assert p > 0.01 or abs(advantage - 0.5) < 0.05, told


def rank_test(first: list[float], second: list[float]) -> tuple[float, float]:
    """Return the chance that one of `first` is slower than one of `second`, and the two-sided p-value that it
    is a half (Mann and Whitney's U, normal approximation, which holds for hundreds of samples).
    """
    ranked = sorted([(value, True) for value in first] + [(value, False) for value in second])
    ranks = sum(place for place, (_, is_first) in enumerate(ranked, 1) if is_first)
    n, m = len(first), len(second)
    u = ranks - n * (n + 1) / 2
    spread = math.sqrt(n * m * (n + m + 1) / 12)
    return u / (n * m), math.erfc(abs(u - n * m / 2) / spread / math.sqrt(2))


def test_the_rank_test_sees_a_difference_and_none() -> None:
    even, odd = [float(one) for one in range(0, 400, 2)], [float(one) for one in range(1, 400, 2)]
    assert rank_test(even, odd)[1] > 0.5
    assert rank_test([one + 60 for one in even], odd)[1] < 0.001
