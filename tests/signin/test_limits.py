"""Guessing is slow for strangers, sign-in stays open for the owner, and nothing tells who exists."""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest import mock

import pytest
from django.db import connections

from core import context, scope
from events.models import Event
from identity import services as accounts
from identity.emails import parse
from signin import limits, services
from signin.devices import Browser as Device
from signin.errors import TooManyAttempts, WrongCredentials
from signin.interaction import begin
from signin.limits import Attempt, Rule
from tenants.selectors import TenantRef
from tests.factories import Browser, Cast, hosted, make_cast, make_member, unique
from tests.factories.hosted import NEW_PASSWORD, elsewhere, link_in, mails_to, prefix, sign_in
from tests.factories.policies import change_policy


@pytest.fixture(scope="module")
def cast() -> Cast:
    """Without the browser's work, which takes the time that these waits are about (test_risk_challenge)."""
    cast = make_cast()
    change_policy(cast.acme, challenge_sign_in="off")
    return cast


def at(network: str) -> Browser:
    return Browser(REMOTE_ADDR=network)


def networks(first: int, count: int) -> list[str]:
    return [f"10.{first}.{n // 250}.{n % 250 + 1}" for n in range(count)]


def guess(network: str, tenant: Any, email: str) -> int:
    return hosted.guess(at(network), tenant, email, "a wrong guess of somebody").status_code


def test_L1_one_network_is_slowed_down_after_five_guesses(cast: Cast) -> None:
    person = make_member(cast.acme)
    codes = [guess("10.1.0.1", cast.acme, person.email) for _ in range(8)]
    assert codes[:5] == [400] * 5
    assert codes[5:] == [429] * 3


def test_L1_the_owner_signs_in_from_another_network_meanwhile(cast: Cast) -> None:
    person = make_member(cast.acme)
    for _ in range(8):
        guess("10.2.0.1", cast.acme, person.email)
    assert sign_in(at("10.2.0.1"), cast.acme, person.email).status_code == 429
    assert sign_in(at("10.2.0.2"), cast.acme, person.email).status_code == 303


def test_L1_a_known_device_signs_in_even_from_the_guessers_network(cast: Cast) -> None:
    person, known = make_member(cast.acme), at("10.3.0.1")
    assert sign_in(known, cast.acme, person.email).status_code == 303
    for _ in range(8):
        guess("10.3.0.1", cast.acme, person.email)
    del known.cookies["session"]
    assert sign_in(known, cast.acme, person.email).status_code == 303


def test_L1_at_most_100_guesses_are_ever_compared(cast: Cast) -> None:
    person = make_member(cast.acme)
    compared = 0
    real = accounts.verify_password

    def counting(password: str, stored: str | None) -> bool:
        nonlocal compared
        compared += 1
        return real(password, stored)

    with mock.patch("identity.services.verify_password", counting):
        codes = [guess(network, cast.acme, person.email) for network in networks(4, 104)]
    assert compared <= 100
    assert codes[-1] == 429


def test_L1_an_owner_locked_out_by_strangers_comes_back_by_mail(cast: Cast) -> None:
    person = make_member(cast.acme)
    whole = Attempt(limits.GUESS_ACCOUNT, person.email)
    for _ in range(limits.GUESS_ACCOUNT.quota):
        limits.take([whole])
    assert sign_in(at("10.5.0.1"), cast.acme, person.email).status_code == 429
    browser = at("10.5.0.1")
    page = browser.get(f"{prefix(cast.acme)}/recovery")
    browser.submit(page, {"email": person.email})
    chosen = browser.get(link_in(mails_to(person.email)[0]))
    assert browser.submit(chosen, {"new_password": NEW_PASSWORD}).status_code == 303
    assert sign_in(browser, cast.acme, person.email, NEW_PASSWORD).status_code == 303


def test_L1_parallel_tries_are_counted_before_they_are_compared() -> None:
    attempt = Attempt(Rule("parallel", quota=10, window=60, free=10), unique("key"))

    def one(_: int) -> bool:
        try:
            limits.take([attempt])
        except TooManyAttempts:
            return False
        else:
            return True
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        allowed = sum(pool.map(one, range(60)))
    assert allowed == 10


def test_M1_parallel_codes_are_compared_at_most_five_times(cast: Cast) -> None:
    from signin import flows
    from tests.factories.hosted import sign_up

    browser, email = Browser(), f"{unique('new')}@example.com"
    page = sign_up(browser, cast.acme, email)
    compared: list[str] = []
    real = flows.check_proof

    def counting(flow: Any, **proof: str) -> None:
        compared.append(proof["code"])
        real(flow, **proof)

    def one(number: int) -> int:
        other = Browser()
        other.cookies = browser.cookies
        try:
            return other.submit(page, {"code": f"{number:06d}"}).status_code
        finally:
            connections.close_all()

    with mock.patch("signin.flows.check_proof", counting), ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(one, range(40)))
    assert len(compared) <= 5
    assert 303 not in codes


def test_the_wait_grows_and_passes() -> None:
    attempt = Attempt(Rule("growing", quota=50, window=3600, free=1), unique("key"))
    limits.take([attempt])
    limits.take([attempt])
    with pytest.raises(TooManyAttempts) as first:
        limits.take([attempt])
    assert 1 <= first.value.seconds <= 4
    time.sleep(first.value.seconds)
    limits.take([attempt])
    with pytest.raises(TooManyAttempts) as second:
        limits.take([attempt])
    assert second.value.seconds > first.value.seconds


def test_successes_do_not_use_up_a_shared_network(cast: Cast) -> None:
    person = make_member(cast.acme)
    for _ in range(limits.GUESS_HERE.free + 3):
        assert sign_in(at("10.6.0.1"), cast.acme, person.email).status_code == 303


def test_mail_to_one_address_is_limited_alike_for_known_and_unknown(cast: Cast) -> None:
    answers = []
    for email in (make_member(cast.acme).email, f"{unique('nobody')}@example.com"):
        browser = at("10.7.0.1")
        page = browser.get(f"{prefix(cast.acme)}/recovery")
        answers.append([browser.submit(page, {"email": email}).status_code for _ in range(5)])
    assert answers[0] == answers[1]
    assert answers[0][-1] == 429


def test_AUT17_slowing_down_and_failures_are_recorded(cast: Cast) -> None:
    person = make_member(cast.acme)
    for _ in range(6):
        guess("10.8.0.1", cast.acme, person.email)
    with scope.tenant(cast.acme.id):
        failed = Event.objects.filter(type="signin.failed", actor_id=person.subject).count()
        blocked = Event.objects.filter(type="signin.blocked").count()
    assert failed == 5
    assert blocked >= 1
    mails_to(person.email)  # lets the promised jobs run
    with scope.account(person.account_id):
        assert Event.objects.filter(type="signin.failed").count() == 5


def test_L2_sign_in_answers_alike_for_known_and_unknown_addresses(cast: Cast) -> None:
    from tests.signin.test_sign_up import masked

    known, unknown = make_member(cast.acme).email, f"{unique('nobody')}@example.com"
    pages = [
        (sign_in(Browser(), cast.acme, email, "a wrong guess of somebody"), email)
        for email in (known, unknown)
    ]
    assert pages[0][0].status_code == pages[1][0].status_code == 400
    assert masked(*pages[0]) == masked(*pages[1])


def test_L2_sign_in_takes_the_same_time_for_known_and_unknown_addresses(cast: Cast) -> None:
    """400 samples by turns, at the service itself, where a difference would show most."""
    known = [make_member(cast.acme).email for _ in range(40)]
    samples: dict[bool, list[float]] = {True: [], False: []}
    for turn in range(200):
        for is_known in (turn % 2 == 0, turn % 2 == 1):
            email = known[turn % 40] if is_known else f"{unique('nobody')}@example.com"
            samples[is_known].append(_time_of_guess(cast.acme, email, f"10.50.{turn}.{is_known + 1}"))
    there, missing = (statistics.median(samples[is_known]) for is_known in (True, False))
    assert abs(there - missing) < 0.1 * max(there, missing), (there, missing)


def _time_of_guess(tenant: TenantRef, email: str, network: str) -> float:
    browser = Device("x" * 43, is_new=False)
    interaction = begin(next_url="/")
    with context.use(context.RequestContext("req_test", ip=network)):
        flow = services.identify(
            tenant=tenant, browser=browser, address=parse(email), interaction=interaction
        )
        started = time.perf_counter()
        with pytest.raises(WrongCredentials):
            services.authenticate(
                tenant=tenant, flow_id=flow.public_id, browser=browser, password="a wrong guess of somebody"
            )
        return time.perf_counter() - started


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "Try again in 1 second."),
        (64, "Try again in 64 seconds."),
        (900, "Try again in 15 minutes."),
        (3541, "Try again in 60 minutes."),
        (80_000, "Try again in 23 hours."),
        (10**9, "Choose a new password by mail, or use a device on which you signed in before."),
    ],
)
def test_a_wait_is_told_in_words_that_people_can_use(seconds: int, words: str) -> None:
    assert TooManyAttempts(seconds).detail == words
    assert TooManyAttempts(seconds).headers["Retry-After"] == str(min(seconds, 86_400))


def test_a_new_password_is_the_way_out_of_too_many_wrong_ones(cast: Cast) -> None:
    browser, email = elsewhere(), f"{unique('nobody')}@example.com"
    answers = [sign_in(browser, cast.acme, email, "a wrong guess of somebody") for _ in range(6)]
    assert answers[-1].status_code == 429
    assert "Or choose a new password by mail." in answers[-1].content.decode()


def test_a_new_password_is_no_way_out_of_too_many_mails(cast: Cast) -> None:
    browser, email = elsewhere(), "often@example.com"
    for _ in range(4):
        answer = browser.submit(browser.get(f"{prefix(cast.acme)}/recovery"), {"email": email})
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert "Try again in" in answer.content.decode()
    assert "new password by mail." not in answer.content.decode()
