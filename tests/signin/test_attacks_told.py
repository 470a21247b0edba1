"""Attacks and their end are told to the tenant: who tries programs, many networks, many accounts (ANC-23, AUT-17)."""

from __future__ import annotations

from typing import Any

import pytest

from core import scope
from events import selectors as events
from events.models import Event
from signin import limits
from signin.limits import Attempt
from tenants.selectors import TenantRef
from tests.factories import Browser, Cast, make_cast, unique
from tests.factories.hosted import code_in, elsewhere, leads_on, mails_to, prefix, sign_in, work
from tests.factories.policies import change_policy

BOT = "attack.bot.detected"
CLAIM = {"name": "Nora", "new_password": "seven green umbrellas at noon"}


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def told(tenant: TenantRef, kind: str) -> list[dict[str, Any]]:
    with scope.tenant(tenant.id):
        rows = events.described(Event.objects.filter(type=kind).order_by("id"))
        return [events.envelope(row)["data"]["object"] for row in rows]


def claim(**more: str) -> dict[str, str]:
    return {**CLAIM, "email": f"{unique('new')}@example.com", **more}


def test_ANC23_a_network_that_forges_the_work_is_told_once(cast: Cast) -> None:
    change_policy(cast.acme, challenge_sign_up="always", challenge_bits=12)
    browser = elsewhere()
    for number in range(12):
        page = browser.get(f"{prefix(cast.acme)}/sign-up")
        assert browser.submit(page, claim(solution=str(number))).status_code == 400
        assert len(told(cast.acme, BOT)) == (number >= 9)
    assert told(cast.acme, BOT)[0]["reason"] == "forged_work"
    assert told(cast.globex, BOT) == []


def test_ANC23_solutions_used_again_count_and_a_double_click_does_not_matter(cast: Cast) -> None:
    change_policy(cast.acme, challenge_sign_up="always", challenge_bits=12)
    browser = elsewhere()
    page = browser.get(f"{prefix(cast.acme)}/sign-up")
    right = work(page)
    assert browser.submit(page, claim(**right)).status_code == 303
    assert browser.submit(page, claim(**right)).status_code == 400
    assert told(cast.acme, BOT) == []
    for _ in range(9):
        browser.submit(page, claim(**right))
    assert [one["reason"] for one in told(cast.acme, BOT)] == ["forged_work"]


@pytest.mark.parametrize("field", ["", "https://spam.example"])
def test_ANC23_a_field_that_no_person_sees_costs_work_and_nothing_else(cast: Cast, field: str) -> None:
    browser = elsewhere()
    for page in ("sign-up", "recovery"):
        assert (
            'name="website" value="" tabindex="-1" autocomplete="off"'
            in browser.get(f"{prefix(cast.acme)}/{page}").content.decode()
        )
    page = browser.get(f"{prefix(cast.acme)}/sign-up")
    sent = claim(website=field)
    answer = browser.submit(page, sent)
    if not field:
        assert answer.status_code == 303
        return
    assert answer.status_code == 400
    assert "One more step" in answer.content.decode()
    assert mails_to(sent["email"]) == []
    assert told(cast.acme, BOT) == []
    assert browser.submit(answer, {**sent, "website": "", **work(answer)}).status_code == 303
    for _ in range(9):
        browser.submit(page, claim(website=field))
    assert [one["reason"] for one in told(cast.acme, BOT)] == ["hidden_field"]


def test_ANC23_people_without_scripts_and_with_old_pages_are_no_programs(cast: Cast) -> None:
    change_policy(cast.acme, challenge_sign_up="always", challenge_bits=12)
    browser = elsewhere()
    page = browser.get(f"{prefix(cast.acme)}/sign-up")
    for _ in range(12):
        assert browser.submit(page, claim()).status_code == 400, "sent without waiting"
        assert browser.submit(page, claim(challenge="")).status_code == 400, "shown before it asked"
    assert told(cast.acme, BOT) == []


def test_ANC23_who_guesses_is_not_told_apart_by_it(cast: Cast) -> None:
    """L2: an answer is the same for known and unknown addresses, whatever is counted."""
    change_policy(cast.acme, challenge_sign_in="always", challenge_bits=12)
    answers = []
    for email in (cast.member.email, f"{unique('nobody')}@example.com"):
        browser = elsewhere()
        page = browser.follow(browser.get(f"{prefix(cast.acme)}/sign-in"))
        asked = browser.follow(browser.submit(page, {"email": email}))
        answers.append([browser.submit(asked, {"password": "x", "solution": "1"}).status_code for _ in "ab"])
    assert answers == [[400, 400], [400, 400]]


def test_AUT17_many_networks_at_one_address_are_told_as_brute_force(cast: Cast) -> None:
    change_policy(cast.acme, challenge_sign_in="off")
    here = limits.GUESS_ACCOUNT
    for _ in range(here.quota - 1):
        limits.take([Attempt(here, cast.member.email)])
    assert sign_in(elsewhere(), cast.acme, cast.member.email, "a wrong guess of somebody").status_code == 400
    assert [one["reason"] for one in told(cast.acme, "attack.brute_force.detected")] == [here.name]
    assert told(cast.globex, "attack.brute_force.detected") == []


def test_AUT17_many_addresses_from_one_network_are_told_as_credential_stuffing(cast: Cast) -> None:
    change_policy(cast.acme, challenge_sign_in="off")
    browser: Browser = elsewhere()
    network, rule = browser.defaults["REMOTE_ADDR"], limits.GUESS_NETWORK
    for _ in range(rule.quota - 1):
        limits.take([Attempt(rule, network)])
    sign_in(browser, cast.acme, cast.member.email, "a wrong guess of somebody")
    assert [one["reason"] for one in told(cast.acme, "attack.credential_stuffing.detected")] == [rule.name]
    assert told(cast.globex, "attack.credential_stuffing.detected") == []


def test_ANC23_a_mailed_code_lowers_the_risk_and_says_whose(cast: Cast) -> None:
    change_policy(cast.acme, risk_new_device="step_up")
    known = elsewhere()
    known.follow(sign_in(known, cast.acme, cast.member.email))
    browser = elsewhere()
    page = browser.follow(sign_in(browser, cast.acme, cast.member.email))
    assert told(cast.acme, "risk.lowered") == []
    wrong = browser.submit(page, {"code": "000000"})
    assert wrong.status_code == 400
    assert told(cast.acme, "risk.lowered") == []
    code = code_in(mails_to(cast.member.email)[0])
    assert browser.submit(page, {"code": code}).status_code == 303
    assert leads_on(browser.submit(page, {"code": code}))
    lowered = told(cast.acme, "risk.lowered")
    assert [(one["reason"], one["member"]) for one in lowered] == [("mailed_code", cast.member.subject)]
    assert told(cast.globex, "risk.lowered") == []
