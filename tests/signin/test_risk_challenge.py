"""ANC-23: a browser works before a form is taken, once many tries came in; nobody without scripts is locked out."""

from __future__ import annotations

import hashlib
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core import signing
from django.db import connections

from core import context, scope
from events.models import Event
from identity.emails import parse
from signin import attempts, challenge, limits
from signin.devices import Browser as Device
from signin.errors import ChallengeRequired, TooManyAttempts
from signin.limits import Attempt
from tests.factories import Browser, Cast, make_cast, make_member, unique
from tests.factories.hosted import elsewhere, guess, mails_to, prefix, sign_in, work
from tests.factories.people import PASSWORD
from tests.factories.policies import change_policy

WRONG = "a wrong guess of somebody"


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def password_page(browser: Browser, cast: Cast, email: str) -> Any:
    page = browser.follow(browser.get(f"{prefix(cast.acme)}/sign-in"))
    return browser.follow(browser.submit(page, {"email": email}))


def failed(cast: Cast, email: str, times: int = 3) -> None:
    for _ in range(times):
        assert sign_in(elsewhere(), cast.acme, email, WRONG).status_code == 400


def asks(page: Any) -> bool:
    return 'name="challenge"' in page.content.decode()


def test_the_form_asks_after_failures_and_not_before(cast: Cast) -> None:
    failed(cast, cast.member.email, 2)
    assert not asks(password_page(elsewhere(), cast, cast.member.email))
    failed(cast, cast.member.email, 1)
    page = password_page(browser := elsewhere(), cast, cast.member.email)
    assert asks(page)
    assert browser.submit(page, {"password": PASSWORD, **work(page)}).status_code == 303


def test_the_page_that_says_wrong_asks_already(cast: Cast) -> None:
    failed(cast, cast.member.email, 2)
    answer = sign_in(elsewhere(), cast.acme, cast.member.email, WRONG)
    assert asks(answer)


def test_L2_it_asks_alike_for_known_and_unknown_addresses(cast: Cast) -> None:
    for email in (cast.member.email, f"{unique('nobody')}@example.com"):
        failed(cast, email)
        assert asks(password_page(elsewhere(), cast, email))


def test_without_the_work_nothing_is_compared_and_no_try_is_counted(cast: Cast) -> None:
    failed(cast, cast.member.email)
    browser = elsewhere()
    page = password_page(browser, cast, cast.member.email)
    known = [Attempt(limits.GUESS_ACCOUNT, cast.member.email)]
    before = limits.counts(known)
    for wrong in ({"solution": "1"}, {"solution": "x" * 30}, {"challenge": "forged"}, {"challenge": ""}):
        answer = browser.submit(page, {"password": PASSWORD, **wrong})
        assert answer.status_code == 400
        assert "One more step" in answer.content.decode()
    assert limits.counts(known) == before


def test_a_refusal_is_found_by_its_request_id(cast: Cast) -> None:
    from tests.audit.test_sign_in_trace import admin_of, look

    failed(cast, cast.member.email)
    browser = elsewhere()
    refused = browser.submit(password_page(browser, cast, cast.member.email), {"password": PASSWORD})
    shown = look(admin_of(cast.owner.email), cast.acme.slug, refused.headers["Request-Id"])
    assert "asked the browser for some work" in shown


def test_a_known_device_is_asked_after_its_own_failures_only(cast: Cast) -> None:
    browser = elsewhere()
    browser.follow(sign_in(browser, cast.acme, cast.member.email))
    del browser.cookies["session"]
    failed(cast, cast.member.email, 5)
    page = password_page(browser, cast, cast.member.email)
    assert not asks(page)
    assert browser.submit(page, {"password": PASSWORD}).status_code == 303


@pytest.mark.parametrize(("when", "asked"), [("off", False), ("always", True)])
def test_the_policy_decides(cast: Cast, when: str, asked: bool) -> None:
    change_policy(cast.acme, challenge_sign_in=when, challenge_sign_up=when, challenge_recovery=when)
    if when == "off":
        failed(cast, cast.member.email)
    assert asks(password_page(elsewhere(), cast, cast.member.email)) is asked
    for page in ("sign-up", "recovery"):
        assert asks(elsewhere().get(f"{prefix(cast.acme)}/{page}")) is asked
        assert not asks(elsewhere().get(f"{prefix(cast.globex)}/{page}"))


def test_sign_up_and_recovery_take_the_work_and_refuse_its_lack(cast: Cast) -> None:
    change_policy(cast.acme, challenge_sign_up="always", challenge_recovery="always", challenge_bits=12)
    person, browser = make_member(cast.acme), elsewhere()
    page = browser.get(f"{prefix(cast.acme)}/recovery")
    assert browser.submit(page, {"email": person.email}).status_code == 400
    assert mails_to(person.email) == []
    assert browser.submit(page, {"email": person.email, **work(page)}).status_code == 303
    email = f"{unique('new')}@example.com"
    page = browser.get(f"{prefix(cast.acme)}/sign-up")
    claim = {"name": "Nora", "email": email, "new_password": "seven green umbrellas at noon"}
    again = browser.submit(page, claim)
    assert (again.status_code, mails_to(email)) == (400, [])
    assert browser.submit(again, {**claim, **work(again)}).status_code == 303
    with scope.tenant(cast.acme.id):
        refused = set(
            Event.objects.filter(type__in=("signup.blocked", "recovery.denied")).values_list(
                "type", flat=True
            )
        )
    assert refused == {"signup.blocked", "recovery.denied"}


def test_after_many_mails_from_one_network_their_forms_ask(cast: Cast) -> None:
    with context.use(context.RequestContext("req_test", ip="10.99.0.1")):
        for _ in range(15):
            limits.take([Attempt(limits.MAIL_NETWORK, "10.99.0.1")])
    assert asks(Browser(REMOTE_ADDR="10.99.0.1").get(f"{prefix(cast.acme)}/sign-up"))
    assert not asks(Browser(REMOTE_ADDR="10.99.0.2").get(f"{prefix(cast.acme)}/sign-up"))


# --- one challenge ---------------------------------------------------------------------------------------


def door(cast: Cast, **other: Any) -> challenge.Door:
    known = {"name": challenge.SIGN_UP, "tenant": cast.acme, "browser": Device("x" * 43, False), "flow": ""}
    return challenge.Door(**{**known, **other})


def solved(offered: challenge.Challenge) -> challenge.Answer:
    for number in range(10_000_000):
        found = hashlib.sha256(f"{offered.nonce}:{number}".encode()).digest()
        if int.from_bytes(found, "big") >> (256 - offered.bits) == 0:
            return challenge.Answer(offered.token, str(number))
    raise AssertionError


def take(where: challenge.Door, answer: challenge.Answer) -> str:
    with context.use(context.RequestContext("req_test", ip="10.98.0.1")):
        try:
            challenge.demand(where, [], answer, always=True)
        except (ChallengeRequired, TooManyAttempts) as problem:
            return problem.code
    return "taken"


def test_a_solution_is_taken_once(cast: Cast) -> None:
    here = door(cast)
    answer = solved(challenge.offer(here))
    assert [take(here, answer) for _ in range(3)] == ["taken", "challenge_required", "challenge_required"]


def test_of_many_at_once_one_solution_is_taken(cast: Cast) -> None:
    here = door(cast)
    answer = solved(challenge.offer(here))

    def one(_: int) -> str:
        try:
            return take(here, answer)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one, range(24))).count("taken") == 1


def test_a_solution_is_good_at_its_own_form_only(cast: Cast) -> None:
    answer = solved(challenge.offer(door(cast)))
    others = (
        {"name": challenge.RECOVERY},
        {"tenant": cast.globex},
        {"tenant": None},
        {"browser": Device("y" * 43, False)},
        {"flow": "flow_other"},
    )
    assert {take(door(cast, **other), answer) for other in others} == {"challenge_required"}
    assert take(door(cast), answer) == "taken"


def test_old_and_forged_challenges_are_refused(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    here = door(cast)
    offered = challenge.offer(here)
    easy = signing.dumps({"nonce": "0", "bits": 0, "at": 0, "place": here.place}, salt="somebody.else")
    assert take(here, challenge.Answer(easy, "0")) == "challenge_required"
    answer = solved(offered)
    later = time.time() + challenge.LIFETIME + 5
    monkeypatch.setattr("django.core.signing.time.time", lambda: later)
    assert take(here, answer) == "challenge_required"


def test_without_scripts_a_pause_does_as_well_and_only_then(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed(cast, cast.member.email)
    browser = elsewhere()
    page = password_page(browser, cast, cast.member.email)
    token = re.search(r'name="challenge" value="([^"]+)"', page.content.decode())
    assert token
    early = browser.submit(page, {"password": PASSWORD})
    assert early.status_code == 400
    assert token[1] in early.content.decode()  # the pause goes on, it does not begin again
    later = time.time() + challenge.PAUSE
    monkeypatch.setattr("signin.challenge.time.time", lambda: later)
    assert browser.submit(early, {"password": PASSWORD}).status_code == 303


def test_few_pauses_are_taken_from_one_network(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    here = door(cast)
    offered = [challenge.offer(here) for _ in range(10)]
    later = time.time() + challenge.PAUSE
    monkeypatch.setattr("signin.challenge.time.time", lambda: later)
    taken = [take(here, challenge.Answer(one.token)) for one in offered]
    assert taken[:6] == ["taken"] * 6
    assert "too_many_attempts" in taken[6:]


# --- a hundred in all ------------------------------------------------------------------------------------


def a_day_later(email: str) -> None:
    """Forget what is counted by the day; what is counted for ever stays."""
    limits.clear([Attempt(limits.GUESS_ACCOUNT, email)])


def wrong(cast: Cast, email: str, times: int) -> list[int]:
    return [guess(elsewhere(), cast.acme, email, WRONG).status_code for _ in range(times)]


def test_L1_over_all_days_at_most_a_hundred_guesses_are_compared(cast: Cast) -> None:
    change_policy(cast.acme, challenge_sign_in="off")
    person, known = make_member(cast.acme), elsewhere()
    known.follow(sign_in(known, cast.acme, person.email))
    compared = 0
    for _ in range(3):
        compared += wrong(cast, person.email, 30).count(400)
        a_day_later(person.email)
    assert compared == limits.GUESS_EVER.quota
    ever = Attempt(limits.GUESS_DEVICE_EVER, str(person.account_id))
    for _ in range(limits.GUESS_DEVICE_EVER.quota - 1):
        limits.take([ever])
    assert limits.GUESS_EVER.quota + limits.GUESS_DEVICE_EVER.quota == 100
    del known.cookies["session"]
    assert sign_in(known, cast.acme, person.email).status_code == 303  # its own share was not used up


def test_L1_strangers_do_not_lock_the_owner_out(cast: Cast) -> None:
    person = make_member(cast.acme)
    for _ in range(limits.GUESS_EVER.quota):
        limits.take([Attempt(limits.GUESS_EVER, str(person.account_id))])
    refused = sign_in(elsewhere(), cast.acme, person.email)
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "86400"
    assert "Choose a new password by mail" in refused.content.decode()
    browser = elsewhere()
    page = password_page(browser, cast, person.email)
    page = browser.follow(browser.submit(page, {"begin": "1"}, to=f"{prefix(cast.acme)}/sign-in/mail"))
    from tests.factories.hosted import code_in

    assert browser.submit(page, {"code": code_in(mails_to(person.email)[0])}).status_code == 303
    assert sign_in(elsewhere(), cast.acme, person.email).status_code == 303


def test_L1_guesses_through_all_addresses_of_a_person_share_one_count(cast: Cast) -> None:
    account, device = make_member(cast.acme), Device("z" * 43, True)
    one, other = parse("one@example.com"), parse("other@example.com")
    keys = [attempts.passwords_of(address, device, account.account_id)[-1] for address in (one, other)]
    assert keys[0] == keys[1]
