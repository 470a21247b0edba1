"""AUT-10: signing in with an Ethereum wallet (EIP-4361, EIP-191)."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
import time_machine
from django.utils import timezone

from core import scope
from identity import contacts, siwe
from identity.browser import cookie_name
from tests.factories import Browser, Cast, Person, make_cast, make_member, make_tenant
from tests.factories.hosted import elsewhere, leads_on, prefix, sign_in
from tests.signin.test_sign_in import seen, who

METHODS = {"sign_in_methods": ["password", "wallet"]}


@pytest.fixture(scope="module")
def cast() -> Cast:
    cast = make_cast()
    cast.acme = make_tenant(policy=METHODS)
    return cast


def new_key() -> Any:
    """The library is loaded by whoever needs it: it costs a second, in every process that reads the tests."""
    from eth_account import Account

    return Account.create()


def linked(person: Person) -> Any:
    key = new_key()
    with scope.account(person.account_id):
        contacts.link_wallet(account_id=person.account_id, address=siwe.wallet(key.address))
    return key


def ask(browser: Browser, cast: Cast, address: str) -> Any:
    page = browser.get(f"{prefix(cast.acme)}/sign-in/wallet")
    return browser.follow(browser.submit(page, {"wallet": address}))


def message_on(page: Any) -> str:
    found = re.search(r"<pre[^>]*data-wallet-message[^>]*>(.*?)</pre>", page.content.decode(), re.S)
    assert found
    return html.unescape(found[1])


def signed(key: Any, text: str) -> str:
    from eth_account.messages import encode_defunct

    return "0x" + key.sign_message(encode_defunct(text=text)).signature.hex().removeprefix("0x")


def test_a_linked_wallet_signs_in(cast: Cast) -> None:
    browser, person = elsewhere(), make_member(cast.acme)
    key = linked(person)
    page = ask(browser, cast, key.address.lower())
    text = message_on(page)
    assert text.startswith("localhost") or "wants you to sign in with your Ethereum account" in text
    for line in (key.address, "Version: 1", "Chain ID: 1", "Nonce: ", "Issued At: ", "Expiration Time: "):
        assert line in text
    browser.follow(browser.submit(page, {"signature": signed(key, text)}))
    found = seen(browser, cast.acme)
    assert (found.member.subject, found.amr) == (person.subject, ("wallet",))


@pytest.mark.parametrize(
    ("part", "other"),
    [
        (r"^\S+ wants", "evil.example wants"),
        (r"URI: .*", "URI: https://evil.example/"),
        (r"Chain ID: 1", "Chain ID: 5"),
        (r"Nonce: \w+", "Nonce: 00000000000000000000000000000000"),
        (r"Expiration Time: \d{4}", "Expiration Time: 2999"),
        (r"Version: 1", "Version: 2"),
    ],
)
def test_a_signature_of_any_other_message_is_refused(cast: Cast, part: str, other: str) -> None:
    browser, person = elsewhere(), make_member(cast.acme)
    key = linked(person)
    page = ask(browser, cast, key.address)
    changed = re.sub(part, other, message_on(page), count=1)
    assert changed != message_on(page)
    assert browser.submit(page, {"signature": signed(key, changed)}).status_code == 400
    assert who(browser, cast.acme) is None


def test_another_key_malformed_signatures_and_a_second_use_are_refused(cast: Cast) -> None:
    browser, person = elsewhere(), make_member(cast.acme)
    key = linked(person)
    page = ask(browser, cast, key.address)
    text = message_on(page)
    for wrong in (signed(new_key(), text), "0x" + "00" * 65, "0x1234"):
        assert browser.submit(page, {"signature": wrong}).status_code == 400
    right = signed(key, text)
    assert browser.submit(page, {"signature": right}).status_code == 303
    assert leads_on(browser.submit(page, {"signature": right}))
    del browser.cookies[cookie_name()]
    assert browser.submit(page, {"signature": right}).status_code == 410


def test_the_nonce_is_bound_to_its_browser_tenant_and_time(cast: Cast) -> None:
    browser, stranger, person = elsewhere(), elsewhere(), make_member(cast.acme)
    key = linked(person)
    page = ask(browser, cast, key.address)
    right = {"signature": signed(key, message_on(page))}
    flow = re.search(r'name="flow" value="([^"]+)"', page.content.decode())
    assert flow
    csrf = stranger.get(f"{prefix(cast.acme)}/sign-in/wallet")
    to = f"{prefix(cast.acme)}/sign-in/wallet/signature"
    assert stranger.submit(csrf, right | {"flow": flow[1]}, to=to).status_code == 403
    other = make_tenant(policy=METHODS)
    elsewhere_to = f"{prefix(other)}/sign-in/wallet/signature"
    assert browser.submit(page, right, to=elsewhere_to).status_code == 410
    with time_machine.travel(timezone.now() + timedelta(minutes=11), tick=True):
        assert browser.submit(page, right).status_code == 410


def test_a_wallet_of_nobody_is_told_only_after_its_signature(cast: Cast) -> None:
    browser, key = elsewhere(), new_key()
    page = ask(browser, cast, key.address)
    refused = browser.submit(page, {"signature": signed(key, message_on(page))})
    assert refused.status_code == 400
    assert "linked to no account" in refused.content.decode()


def test_the_person_links_and_unlinks_a_wallet_at_their_own_pages(cast: Cast) -> None:
    browser, person, key = elsewhere(), make_member(cast.acme), new_key()
    browser.follow(sign_in(browser, None, person.email))
    page = browser.get("/account/contacts/wallets/add")
    page = browser.follow(browser.submit(page, {"wallet": key.address}, to="/account/contacts/wallets/add"))
    text, to = message_on(page), "/account/contacts/wallets/proof"
    wrong = signed(new_key(), text)
    assert browser.submit(page, {"signature": wrong}, to=to).status_code == 400
    listed = browser.follow(browser.submit(page, {"signature": signed(key, text)}, to=to))
    assert key.address in listed.content.decode()
    row = re.search(r"/account/contacts/wallets/wal_\w+/unlink", listed.content.decode())
    assert row
    assert browser.submit(listed, to=row[0]).status_code == 303
    visitor = elsewhere()
    page = ask(visitor, cast, key.address)
    assert visitor.submit(page, {"signature": signed(key, message_on(page))}).status_code == 400


def test_L8_linking_wants_a_fresh_sign_in(cast: Cast) -> None:
    browser, person = elsewhere(), make_member(cast.acme)
    browser.follow(sign_in(browser, None, person.email))
    with time_machine.travel(timezone.now() + timedelta(minutes=11), tick=True):
        for page in ("phones/add", "phones/proof", "wallets/add", "wallets/proof"):
            asked = browser.get(f"/account/contacts/{page}")
            assert asked.headers["Location"].startswith("/sign-in?"), page


def test_AUT12_it_is_refused_where_it_is_off_and_where_the_library_is_absent(cast: Cast) -> None:
    browser = elsewhere()
    page = browser.get(f"{prefix(cast.globex)}/sign-in")
    assert b"sign-in/wallet" not in page.content
    sent = {"wallet": new_key().address}
    assert browser.submit(page, sent, to=f"{prefix(cast.globex)}/sign-in/wallet").status_code == 403
    with mock.patch("identity.siwe.is_available", lambda: False):
        assert browser.get(f"{prefix(cast.acme)}/sign-in/wallet").status_code == 403


@pytest.mark.parametrize("written", ["0x12", "vitalik.eth", "0x52908400098527886E0F7030069857D2E4169Ee7"])
def test_what_is_no_address_or_has_a_wrong_checksum_is_refused(cast: Cast, written: str) -> None:
    assert ask(elsewhere(), cast, written).status_code == 400
