"""AUT-06, AUT-07: signing in by a mailed link or code."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
import time_machine
from django.db import connections
from django.utils import timezone

from core import context, scope
from events.models import Event
from identity.browser import cookie_name
from signin import flows, mail_door
from signin.devices import Browser as Device
from signin.errors import CodeExhausted, WrongCode
from signin.interaction import begin
from tenants.selectors import TenantRef
from tests.factories import Browser, Cast, make_cast, make_member, unique
from tests.factories.hosted import code_in, elsewhere, leads_on, link_in, mails_to, prefix
from tests.signin.test_sign_in import seen, who


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


def ask(browser: Browser, tenant: TenantRef | None, email: str, query: str = "") -> Any:
    """Go to the page where the code is typed."""
    page = browser.get(f"{prefix(tenant)}/sign-in{query}")
    page = browser.follow(browser.submit(page, {"email": email}))
    return browser.follow(browser.submit(page, {"begin": "1"}, to=f"{prefix(tenant)}/sign-in/mail"))


def test_the_code_signs_in_and_leads_back(cast: Cast) -> None:
    browser, person = elsewhere(), make_member(cast.acme)
    page = ask(browser, cast.acme, person.email, "?next=/t/x/oauth/authorize%3Fa%3Db")
    signed = browser.submit(page, {"code": code_in(mails_to(person.email)[0])})
    assert signed.status_code == 303, signed.content
    assert browser.get(signed.headers["Location"]).headers["Location"] == "/t/x/oauth/authorize?a=b"
    found = seen(browser, cast.acme)
    assert (found.amr, found.acr) == (("email_code",), "urn:claviger:acr:pwd")
    with scope.tenant(cast.acme.id):
        event = Event.objects.filter(type="signin.succeeded").order_by("-id").first()
        assert event is not None
        assert b'"method":"email_code"' in bytes(event.canonical)


def test_the_link_signs_in_by_its_button_only(cast: Cast) -> None:
    browser, person = elsewhere(), make_member(cast.acme)
    ask(browser, cast.acme, person.email)
    link = link_in(mails_to(person.email)[0])
    scanned = browser.get(link)
    assert scanned.status_code == 200
    assert who(browser, cast.acme) is None
    assert elsewhere().get(link).status_code == 403
    browser.follow(browser.submit(browser.get(link)))
    assert seen(browser, cast.acme).amr == ("magic_link",)


def test_the_portal_is_opened_by_mail_too(cast: Cast) -> None:
    browser, person = elsewhere(), make_member(cast.acme)
    page = ask(browser, None, person.email)
    opened = browser.follow(browser.submit(page, {"code": code_in(mails_to(person.email)[0])}))
    assert opened.requested_path == "/account/"


def test_M2_L4_code_and_link_work_once(cast: Cast) -> None:
    browser, person = elsewhere(), make_member(cast.acme)
    page = ask(browser, cast.acme, person.email)
    mail = mails_to(person.email)[0]
    link_page = browser.get(link_in(mail))
    assert browser.submit(page, {"code": code_in(mail)}).status_code == 303
    assert leads_on(browser.submit(page, {"code": code_in(mail)}))
    assert leads_on(browser.submit(link_page))
    del browser.cookies[cookie_name()]
    assert browser.submit(page, {"code": code_in(mail)}).status_code == 410
    assert browser.submit(link_page).status_code == 410


def test_L4_a_newer_mail_kills_the_older(cast: Cast) -> None:
    older, newer, person = elsewhere(), elsewhere(), make_member(cast.acme)
    page = ask(older, cast.acme, person.email)
    first = mails_to(person.email)[0]
    ask(newer, cast.acme, person.email)
    assert older.submit(page, {"code": code_in(first)}).status_code == 400
    assert older.submit(older.get(link_in(first))).status_code == 400
    assert who(older, cast.acme) is None


def test_L4_it_runs_out_after_ten_minutes(cast: Cast) -> None:
    browser, person = elsewhere(), make_member(cast.acme)
    page = ask(browser, cast.acme, person.email)
    mail = mails_to(person.email)[0]
    with time_machine.travel(timezone.now() + timedelta(minutes=11), tick=True):
        late = browser.submit(page, {"code": code_in(mail)})
        assert late.status_code == 400
        assert "has run out" in late.content.decode()
        assert 'name="resend"' in late.content.decode()
    assert who(browser, cast.acme) is None


def test_L4_it_is_bound_to_tenant_purpose_and_browser(cast: Cast) -> None:
    browser, person = elsewhere(), make_member(cast.acme)
    page = ask(browser, cast.acme, person.email)
    mail = mails_to(person.email)[0]
    code, link = code_in(mail), link_in(mail)
    flow = link.split("flow=")[1].split("&")[0]
    token = link.split("token=")[1]
    csrf = browser.get(f"{prefix(cast.globex)}/sign-in")
    sent = {"flow": flow, "code": code, "token": token}
    assert browser.submit(csrf, sent, to=f"{prefix(cast.globex)}/sign-in/mail").status_code == 410
    assert browser.submit(csrf, sent, to=f"{prefix(cast.acme)}/verify").status_code == 410
    chosen = {"flow": flow, "token": token, "new_password": "seven green umbrellas at noon"}
    assert browser.submit(csrf, chosen, to=f"{prefix(cast.acme)}/recovery/new-password").status_code == 410
    stranger = elsewhere()
    csrf = stranger.get(f"{prefix(cast.acme)}/sign-in")
    refused = stranger.submit(csrf, {"flow": flow, "code": code}, to=f"{prefix(cast.acme)}/sign-in/mail")
    assert refused.status_code == 403
    assert who(stranger, cast.acme) is None
    assert browser.submit(page, {"code": code}).status_code == 303


def test_a_link_opened_elsewhere_offers_a_mail_for_that_browser(cast: Cast) -> None:
    first, phone, person = elsewhere(), elsewhere(), make_member(cast.acme)
    ask(first, cast.acme, person.email)
    page = phone.get(link_in(mails_to(person.email)[0]))
    assert page.status_code == 403
    asked = phone.follow(phone.submit(page, {"elsewhere": "1"}))
    assert asked.status_code == 200, asked.content
    phone.follow(phone.submit(asked, {"code": code_in(mails_to(person.email)[0])}))
    assert seen(phone, cast.acme).member.subject == person.subject
    assert who(first, cast.acme) is None


def test_a_mail_for_another_browser_needs_the_token_of_the_link(cast: Cast) -> None:
    first, stranger, person = elsewhere(), elsewhere(), make_member(cast.acme)
    ask(first, cast.acme, person.email)
    link = link_in(mails_to(person.email)[0])
    page = stranger.get(link)
    refused = stranger.submit(page, {"elsewhere": "1", "token": "x" * 43})
    assert refused.status_code == 410
    assert len(mails_to(person.email)) == 1


def test_M6_asking_again_neither_resets_the_count_nor_keeps_the_old_code(cast: Cast) -> None:
    browser, person = Browser(REMOTE_ADDR="10.71.0.1"), make_member(cast.acme)
    page = ask(browser, cast.acme, person.email)
    old = code_in(mails_to(person.email)[0])
    for _ in range(4):
        assert browser.submit(page, {"code": "000000"}).status_code == 400
    assert browser.submit(page, {"resend": "1"}).status_code == 303
    new = code_in(mails_to(person.email)[0])
    if old != new:
        assert browser.submit(page, {"code": old}).status_code == 400
    assert browser.submit(page, {"code": new}, REMOTE_ADDR="10.71.0.2").status_code == 410
    assert who(browser, cast.acme) is None


def test_M1_of_many_guesses_at_once_five_are_compared(cast: Cast) -> None:
    person, device = make_member(cast.acme), Device("b" * 43, False)
    from identity.emails import parse

    with context.refine(ip="10.72.0.1"):
        flow = mail_door.start(
            tenant=cast.acme, browser=device, address=parse(person.email), interaction=begin(next_url="")
        )
    compared = []
    real = flows.is_right

    def counting(*given: Any, **more: Any) -> bool:
        compared.append(1)
        return real(*given, **more)

    def guess(n: int) -> str:
        try:
            with context.refine(ip=f"10.73.{n}.1"):
                mail_door.prove(tenant=cast.acme, flow_id=flow.public_id, browser=device, code="00000x")
        except (WrongCode, CodeExhausted) as problem:
            return problem.code
        finally:
            connections.close_all()
        return "in"

    with mock.patch("signin.flows.is_right", counting), ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(guess, range(100)))
    assert len(compared) == 5
    assert answers.count("wrong_code") == 5
    assert answers.count("code_exhausted") == 95


def test_L2_known_and_unknown_addresses_get_the_same_pages(cast: Cast) -> None:
    bodies = []
    for email in (make_member(cast.acme).email, f"{unique('person')}@example.com"):
        browser = elsewhere()
        asked = ask(browser, cast.acme, email)
        wrong = browser.submit(asked, {"code": "000000"})
        assert (asked.status_code, wrong.status_code) == (200, 400)
        bodies.append([plain(page, email) for page in (asked, wrong)])
    assert bodies[0] == bodies[1]


def test_L2_an_unknown_address_is_told_by_mail_and_its_code_opens_nothing(cast: Cast) -> None:
    browser, email = elsewhere(), f"{unique('person')}@example.com"
    ask(browser, cast.acme, email)
    mail = mails_to(email)[0]
    assert "no account" in mail["text"]
    assert "/sign-up" in mail["links"][0]


def test_mails_to_one_address_are_limited(cast: Cast) -> None:
    person = make_member(cast.acme)
    codes = [ask(elsewhere(), cast.acme, person.email).status_code for _ in range(5)]
    assert codes[:3] == [200] * 3
    assert 429 in codes


def plain(page: Any, email: str) -> str:
    import re

    body = page.content.decode().replace(email, "someone")
    body = re.sub(r'(csrfmiddlewaretoken" value|nonce)="[^"]+"', "", body)
    return re.sub(r"flow_[0-9a-zA-Z]+|req_[0-9a-zA-Z]+|interaction=[^\"&]+", "", body)
