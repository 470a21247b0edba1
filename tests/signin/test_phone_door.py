"""AUT-08: signing in by a code sent to a phone that was linked before."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import override_settings

from core import scope
from identity import contacts
from tenants import selectors as tenants
from tests.factories import Browser, Cast, Person, make_cast, make_member, make_tenant
from tests.factories.hosted import elsewhere, mails_to, prefix, sign_in
from tests.signin.test_sign_in import seen, who

METHODS = {"sign_in_methods": ["password", "phone_code"]}
_numbers = iter(f"+4930901820{n:02d}" for n in range(100))


@pytest.fixture(scope="module")
def cast() -> Cast:
    cast = make_cast()
    cast.acme, cast.globex = make_tenant(policy=METHODS), make_tenant()
    return cast


def linked(person: Person) -> str:
    number = next(_numbers)
    with scope.account(person.account_id):
        contacts.link_phone(account_id=person.account_id, address=contacts.number(number))
    return number


def code_to(number: str) -> str:
    found = re.search(r"\d{6}", mails_to(number)[0]["text"])
    assert found
    return found[0]


def ask(browser: Browser, cast: Cast, number: str) -> Any:
    page = browser.get(f"{prefix(cast.acme)}/sign-in/phone")
    return browser.follow(browser.submit(page, {"phone": number}))


def submitted(browser: Browser, step: str, sent: dict[str, str]) -> Any:
    path = f"/account/contacts/phones/{step}"
    return browser.submit(browser.get(path), sent, to=path)


def test_a_linked_number_signs_in_however_it_is_written(cast: Cast) -> None:
    browser, person = elsewhere(), make_member(cast.acme)
    number = linked(person)
    page = ask(browser, cast, f" {number[:3]} (0) {number[3:5]} {number[5:]} ")
    with scope.tenant(cast.acme.id):
        name = tenants.tenant().name
    assert f"is your code to sign in to {name}." in mails_to(number)[0]["text"]
    browser.follow(browser.submit(page, {"code": code_to(number)}))
    found = seen(browser, cast.acme)
    assert (found.member.subject, found.amr) == (person.subject, ("sms",))


def test_the_person_links_a_number_at_their_own_pages_by_a_code(cast: Cast) -> None:
    browser, person, number = elsewhere(), make_member(cast.acme), next(_numbers)
    browser.follow(sign_in(browser, None, person.email))
    page = browser.follow(submitted(browser, "add", {"phone": number}))
    assert number in page.content.decode()
    code = code_to(number)
    wrong = submitted(browser, "proof", {"code": "000000" if code != "000000" else "111111"})
    assert wrong.status_code == 400
    listed = browser.follow(submitted(browser, "proof", {"code": code}))
    assert number in listed.content.decode()
    other = elsewhere()
    other.follow(sign_in(other, None, cast.stranger.email))
    row = re.search(r"/account/contacts/phones/(phn_\w+)/unlink", listed.content.decode())
    assert row
    theirs = other.submit(other.get("/account/contacts/phones/add"), to=row[0])
    assert theirs.status_code == 404
    assert browser.submit(listed, to=row[0]).status_code == 303
    assert number not in browser.get("/account/contacts").content.decode()


def test_L4_a_number_belongs_to_one_account(cast: Cast) -> None:
    first, second = make_member(cast.acme), make_member(cast.acme)
    number = linked(first)
    with pytest.raises(contacts.ContactTaken), scope.account(second.account_id):
        contacts.link_phone(account_id=second.account_id, address=contacts.number(number))


def test_L2_an_unknown_number_gets_the_same_page_and_no_message(cast: Cast) -> None:
    browser, number = elsewhere(), next(_numbers)
    page = ask(browser, cast, number)
    assert page.status_code == 200
    assert "on its way" in page.content.decode()
    assert mails_to(number) == []
    assert browser.submit(page, {"code": "123456"}).status_code == 400


def test_M1_five_wrong_codes_end_it_and_M6_asking_again_buys_none(cast: Cast) -> None:
    browser, person = elsewhere(), make_member(cast.acme)
    number = linked(person)
    page = ask(browser, cast, number)
    for _ in range(4):
        assert browser.submit(page, {"code": "00000x"}).status_code == 400
    old = code_to(number)
    assert browser.submit(page, {"resend": "1"}).status_code == 303
    assert browser.submit(page, {"code": old}).status_code == 400
    assert browser.submit(page, {"code": code_to(number)}, REMOTE_ADDR="10.75.1.1").status_code == 410
    assert who(browser, cast.acme) is None


def test_messages_to_one_number_are_limited(cast: Cast) -> None:
    number = linked(make_member(cast.acme))
    codes = [ask(elsewhere(), cast, number).status_code for _ in range(4)]
    assert codes[:2] == [200, 200]
    assert 429 in codes


def test_AUT12_it_is_refused_where_it_is_off_and_where_no_sender_is_set(cast: Cast) -> None:
    browser = elsewhere()
    page = browser.get(f"{prefix(cast.globex)}/sign-in")
    assert b"sign-in/phone" not in page.content
    sent = {"phone": next(_numbers)}
    assert browser.submit(page, sent, to=f"{prefix(cast.globex)}/sign-in/phone").status_code == 403
    assert browser.submit(page, sent, to="/sign-in/phone").status_code == 403
    with override_settings(TEXT_SENDER=""):
        assert browser.get(f"{prefix(cast.acme)}/sign-in/phone").status_code == 403
    assert b"sign-in/phone" in browser.get(f"{prefix(cast.acme)}/sign-in").content


@pytest.mark.parametrize("written", ["12", "+49", "not a number", "+4930", "+1 555\x00"])
def test_what_is_no_number_is_refused(cast: Cast, written: str) -> None:
    assert ask(elsewhere(), cast, written).status_code == 400
