"""Addresses have one canonical form; what could pass for another is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity import emails, selectors, services
from identity.errors import AddressTaken
from tests.factories import make_account, unique

SAME = [
    "jane.doe@example.com",
    "Jane.Doe@Example.COM",
    "  jane.doe@example.com ",
    "ｊａｎｅ.doe@example.com",
    "jane.doe@ｅｘａｍｐｌｅ.com",
    "jane.doe@example。com",
]
REFUSED = [
    "",
    "jane",
    "jane@",
    "@example.com",
    "jane@localhost",
    "jane@127.0.0.1",
    "jane@[127.0.0.1]",
    "jane doe@example.com",
    "jane@exa mple.com",
    ".jane@example.com",
    "jane..doe@example.com",
    '"jane"@example.com',
    "jane@example..com",
    "jane@-example.com",
    "jаne@example.com",  # Cyrillic а
    "jane@exаmple.com",  # Cyrillic а within Latin
    "jane@exαmple.com",  # Greek alpha within Latin
    "jane@xn--exmple-4nf.com",  # the same, already encoded
    "jane\u200b@example.com",
    "jane@example.com\nbcc:x@example.com",
    "jane\x00@example.com",
    f"{'a' * 65}@example.com",
    f"jane@{'a' * 64}.com",
    f"jane@{'a.' * 130}com",
]


def test_L6_spellings_of_one_mailbox_are_one() -> None:
    assert {emails.parse(text).canonical for text in SAME} == {"jane.doe@example.com"}


@pytest.mark.parametrize("text", REFUSED)
def test_L6_look_alikes_and_nonsense_are_refused(text: str) -> None:
    with pytest.raises(emails.InvalidAddress):
        emails.parse(text)


@pytest.mark.parametrize("text", ["jane@münchen.de", "jane@xn--mnchen-3ya.de", "JANE@MÜNCHEN.de"])
def test_international_domains_have_one_form(text: str) -> None:
    assert emails.parse(text).canonical == "jane@xn--mnchen-3ya.de"


def test_domains_in_one_foreign_alphabet_are_taken() -> None:
    assert emails.parse("jane@пример.рф").domain == "xn--e1afmkfd.xn--p1ai"


@given(st.text(max_size=80))
def test_L6_any_text_is_refused_or_has_a_stable_form(text: str) -> None:
    try:
        address = emails.parse(text)
    except emails.InvalidAddress:
        return
    assert emails.parse(address.canonical).canonical == address.canonical
    assert emails.parse(address.mailbox).canonical == address.canonical
    assert address.canonical.isascii()


def test_L6_two_accounts_cannot_share_a_mailbox() -> None:
    stem = unique("Jane")
    make_account(f"{stem}@example.com")
    with pytest.raises(AddressTaken):
        services.create_account(email=f"{stem.upper()}@EXAMPLE.com", password="x" * 20)


def test_the_address_is_found_by_digest_only() -> None:
    person = make_account()
    assert selectors.account_id_by_address(emails.parse(person.email.upper())) == person.account_id
    assert selectors.account_id_by_address(emails.parse(f"{unique('no')}@example.com")) is None
