"""A form sent twice, the back button, a page left open: each leads on, and nothing opens twice (AUT-20)."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import pytest
import time_machine
from django.utils import timezone

from identity import typed
from identity.browser import cookie_name
from signin.models import Stage
from tests.factories import Cast, make_cast
from tests.factories.browser import Browser, hidden_fields
from tests.factories.factors import add_totp, code_of
from tests.factories.hosted import (
    code_in,
    elsewhere,
    leads_on,
    link_in,
    mails_to,
    prefix,
    sign_in,
    sign_up,
)

WANTED = "/account/privacy"


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def asked_for_the_password(browser: Browser, cast: Cast) -> Any:
    page = browser.get(f"{prefix(cast.acme)}/sign-in", {"next": WANTED})
    return browser.follow(browser.submit(page, {"email": cast.member.email}))


def test_a_password_sent_twice_keeps_the_way_back(cast: Cast) -> None:
    browser = elsewhere()
    page = asked_for_the_password(browser, cast)
    assert browser.submit(page, {"password": cast.member.password}).status_code == 303
    again = browser.submit(page, {"password": cast.member.password})
    assert leads_on(again)
    landed = again
    while landed.status_code == 303 and not landed.headers["Location"].endswith(WANTED):
        landed = browser.get(landed.headers["Location"])
    assert landed.headers["Location"].endswith(WANTED)


def test_back_to_the_password_behind_a_right_one_leads_to_the_second_factor(cast: Cast) -> None:
    key, browser = add_totp(cast.member), elsewhere()
    page = asked_for_the_password(browser, cast)
    first = browser.submit(page, {"password": cast.member.password})
    assert "/sign-in/second-factor" in first.headers["Location"]
    for answer in (
        browser.submit(page, {"password": "whatever is typed now"}),
        browser.get(page.requested_path, {"flow": hidden_fields(page.content.decode())["flow"]}),
    ):
        assert answer.status_code == 303
        assert answer.headers["Location"] == first.headers["Location"]
        assert cookie_name() not in answer.cookies
    factor = browser.follow(first)
    assert browser.submit(factor, {"code": code_of(key)}).status_code == 303
    assert leads_on(browser.submit(factor, {"code": code_of(key)}))


def test_M3_the_flow_of_one_browser_leads_nobody_else_on(cast: Cast) -> None:
    add_totp(cast.member)
    browser, thief = elsewhere(), elsewhere()
    page = asked_for_the_password(browser, cast)
    browser.submit(page, {"password": cast.member.password})
    flow = hidden_fields(page.content.decode())["flow"]
    thief.get(f"{prefix(cast.acme)}/sign-in")
    assert thief.get(f"{prefix(cast.acme)}/sign-in/password", {"flow": flow}).status_code == 403
    assert browser.get(f"{prefix(cast.globex)}/sign-in/password", {"flow": flow}).status_code == 410
    sign_in(thief, cast.acme, cast.stranger.email, cast.stranger.password)
    assert thief.get(f"{prefix(cast.acme)}/sign-in/password", {"flow": flow}).status_code == 403


def test_a_page_left_open_says_so_and_starts_again_on_the_same_way(cast: Cast) -> None:
    browser = elsewhere()
    page = asked_for_the_password(browser, cast)
    with time_machine.travel(timezone.now() + timedelta(hours=2), tick=True):
        late = browser.get(page.requested_path, {"flow": hidden_fields(page.content.decode())["flow"]})
        assert late.status_code == 410
        start = late.content.decode().split('class="button button--primary" href="')[1].split('"')[0]
        begun = browser.get(unquote(start).replace("&amp;", "&"))
        asked = browser.follow(browser.submit(begun, {"email": cast.member.email}))
        answer = browser.submit(asked, {"password": cast.member.password})
        while answer.status_code == 303 and not answer.headers["Location"].endswith(WANTED):
            answer = browser.get(answer.headers["Location"])
        assert answer.headers["Location"].endswith(WANTED)


def test_a_link_opened_again_after_it_was_used_leads_on(cast: Cast) -> None:
    browser, email = elsewhere(), f"again-{cast.acme.slug}@example.com"
    page = sign_up(browser, cast.acme, email)
    mail = mails_to(email)[0]
    assert browser.submit(page, {"code": code_in(mail)}).status_code == 303
    assert leads_on(browser.get(link_in(mail)))
    assert elsewhere().get(link_in(mail)).status_code == 410


def test_a_used_recovery_link_leads_nowhere_though_somebody_is_signed_in(cast: Cast) -> None:
    browser = elsewhere()
    page = browser.get(f"{prefix(cast.acme)}/recovery")
    browser.submit(page, {"email": cast.member.email})
    link = link_in(mails_to(cast.member.email)[0])
    chosen = {"new_password": "seven green umbrellas at noon"}
    assert browser.submit(browser.get(link), chosen).status_code == 303
    sign_in(browser, cast.acme, cast.member.email, chosen["new_password"])
    assert browser.get(link).status_code == 410


def test_only_stages_behind_a_first_proof_are_gone_on_with() -> None:
    from signin.hosted import FURTHER

    assert set(FURTHER) == {Stage.SECOND_FACTOR, Stage.CONFIRM}


@pytest.mark.parametrize("written", ["{0} {1}", " {0}-{1} ", "{0}\u2013{1}", "{0}\u00a0{1}"])
def test_a_code_is_taken_as_it_was_pasted(cast: Cast, written: str) -> None:
    browser, email = elsewhere(), f"{secrets.token_hex(4)}@example.com"
    page = sign_up(browser, cast.acme, email)
    code = code_in(mails_to(email)[0])
    assert browser.submit(page, {"code": written.format(code[:3], code[3:])}).status_code == 303


def test_digits_of_any_keyboard_are_digits() -> None:
    assert typed.bare("\uff11\uff12\uff13 456") == "123456"
    assert typed.bare("abcde-fghij") == "abcdefghij"
