"""Recovery by mail: one link, one use, and everything older ends."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from identity import emails, selectors
from tests.factories import Browser, Cast, make_account, make_cast, make_member, unique
from tests.factories.hosted import (
    NEW_PASSWORD,
    at_home,
    code_in,
    link_in,
    mails_to,
    member_of,
    prefix,
    sign_in,
    sign_up,
)
from tests.signin.test_sign_in import who


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


def test_the_way_back_survives_a_forgotten_password(cast: Cast) -> None:
    """Who came from an application and found at the password page that they forgot it goes back there."""
    browser, person, back = Browser(), make_member(cast.acme), "/t/x/oauth/authorize?a=b"
    page = browser.get(f"{prefix(cast.acme)}/sign-in?next=/t/x/oauth/authorize%3Fa%3Db")
    page = browser.follow(browser.submit(page, {"email": person.email}))
    forgotten = re.search(r'href="([^"]+/recovery[^"]*)"', page.content.decode())
    assert forgotten
    browser.submit(browser.get(forgotten[1].replace("&amp;", "&")), {"email": person.email})
    link = link_in(mails_to(person.email)[0])
    page = browser.follow(browser.submit(browser.get(link), {"new_password": NEW_PASSWORD}))
    page = browser.follow(browser.submit(page, {"email": person.email}))
    signed_in = browser.submit(page, {"password": NEW_PASSWORD})
    assert browser.get(signed_in.headers["Location"]).headers["Location"] == back


def ask(browser: Browser, tenant: Any, email: str) -> Any:
    page = browser.get(f"{prefix(tenant)}/recovery")
    return browser.follow(browser.submit(page, {"email": email}))


def link_for(tenant: Any, email: str) -> str:
    ask(Browser(), tenant, email)
    return link_in(mails_to(email)[0])


def choose(browser: Browser, link: str, password: str = NEW_PASSWORD) -> Any:
    page = browser.get(link)
    if page.status_code != 200:
        return page
    return browser.submit(page, {"new_password": password})


def test_a_new_password_is_chosen_in_any_browser_and_nobody_is_signed_in_by_it(cast: Cast) -> None:
    person, browser = make_member(cast.acme), Browser()
    answer = choose(browser, link_for(cast.acme, person.email))
    assert answer.status_code == 303
    assert "Your password was changed" in browser.follow(answer).content.decode()
    assert who(browser, cast.acme) is None
    assert sign_in(Browser(), cast.acme, person.email).status_code == 400
    assert sign_in(Browser(), cast.acme, person.email, NEW_PASSWORD).status_code == 303
    assert "Your password was changed" in [mail["subject"] for mail in mails_to(person.email)]


def test_L5_recovery_ends_every_earlier_sign_in_in_every_tenant(cast: Cast) -> None:
    person, early = make_member(cast.acme), Browser()
    early.follow(sign_in(early, cast.acme, person.email))
    assert who(early, cast.acme) is not None
    from core import scope
    from tenants.models import TenantSession

    assert choose(Browser(), link_for(cast.acme, person.email)).status_code == 303
    assert who(early, cast.acme) is None
    with scope.tenant(cast.acme.id):
        assert not TenantSession.objects.filter(member=person.member, ended_at=None).exists()


def test_L5_recovery_drops_other_pending_links(cast: Cast) -> None:
    person = make_member(cast.acme)
    elsewhere = link_for(cast.globex, person.email)
    assert choose(Browser(), link_for(cast.acme, person.email)).status_code == 303
    assert Browser().get(elsewhere).status_code == 410


def test_L5_recovery_drops_a_claimed_address_and_standing_grants(cast: Cast) -> None:
    """What somebody with the lost password prepared comes to nothing."""
    from unittest import mock

    from tests.portal.test_addresses import claim

    person, foreign = make_member(cast.acme), f"{unique('foreign')}@example.com"
    early = at_home(person)
    claim(early, foreign)
    code = code_in(mails_to(foreign)[0])
    with mock.patch("oauth.families.revoke_all") as revoked:
        assert choose(Browser(), link_for(cast.acme, person.email)).status_code == 303
    assert revoked.call_args.kwargs["member_id"] == member_of(person).id
    again = at_home_with(person.email, NEW_PASSWORD)
    assert prove_refused(again, code)
    assert sign_in(Browser(), None, foreign).status_code == 400


def at_home_with(email: str, password: str) -> Browser:
    browser = Browser()
    browser.follow(sign_in(browser, None, email, password))
    return browser


def prove_refused(browser: Browser, code: str) -> bool:
    answer = browser.get("/account/addresses/proof")
    return answer.status_code == 303 and answer.headers["Location"] == "/account/addresses/add"


def test_L4_a_link_works_once(cast: Cast) -> None:
    person = make_member(cast.acme)
    link = link_for(cast.acme, person.email)
    browser = Browser()
    page = browser.get(link)
    assert browser.submit(page, {"new_password": NEW_PASSWORD}).status_code == 303
    assert browser.submit(page, {"new_password": "another fine set of words"}).status_code == 410
    assert sign_in(Browser(), cast.acme, person.email, NEW_PASSWORD).status_code == 303


def test_L4_a_newer_link_kills_the_older(cast: Cast) -> None:
    person = make_member(cast.acme)
    older, newer = link_for(cast.acme, person.email), link_for(cast.acme, person.email)
    assert Browser().get(older).status_code == 410
    assert choose(Browser(), newer).status_code == 303


def test_L4_an_old_link_is_refused(cast: Cast) -> None:
    person = make_member(cast.acme)
    link = link_for(cast.acme, person.email)
    with time_machine.travel(timezone.now() + timedelta(minutes=31), tick=True):
        assert Browser().get(link).status_code == 410


def test_L4_a_link_is_bound_to_tenant_purpose_and_flow(cast: Cast) -> None:
    person, other = make_member(cast.acme), make_member(cast.acme)
    link, foreign = link_for(cast.acme, person.email), link_for(cast.acme, other.email)
    assert Browser().get(link.replace(cast.acme.slug, cast.globex.slug)).status_code == 410
    assert Browser().get(link.replace("/recovery/new-password", "/verify")).status_code in (403, 410)
    token, flow = re.findall(r"token=([\w-]+)", link)[0], re.findall(r"flow=(\w+)", foreign)[0]
    swapped = f"{prefix(cast.acme)}/recovery/new-password?flow={flow}&token={token}"
    assert Browser().get(swapped).status_code == 410
    assert choose(Browser(), link).status_code == 303


def test_a_refused_password_does_not_use_the_link_up(cast: Cast) -> None:
    person = make_member(cast.acme)
    link = link_for(cast.acme, person.email)
    assert choose(Browser(), link, "short").status_code == 400
    assert choose(Browser(), link).status_code == 303


def test_L2_an_unknown_address_gets_the_same_answer(cast: Cast) -> None:
    from tests.signin.test_sign_up import masked

    known, unknown = make_member(cast.acme).email, f"{unique('nobody')}@example.com"
    pages = [(ask(Browser(), cast.acme, email), email) for email in (known, unknown)]
    assert masked(*pages[0]) == masked(*pages[1])
    assert "No account" in mails_to(unknown)[0]["subject"]
    assert selectors.account_id_by_address(emails.parse(unknown)) is None


def test_L6_the_mail_goes_to_the_stored_address(cast: Cast) -> None:
    stored = f"{unique('Stored.Person')}@example.com"
    make_account(stored)
    ask(Browser(), cast.acme, stored.upper().replace("EXAMPLE", "ＥＸＡＭＰＬＥ"))
    assert mails_to(stored)[0]["to"] == [stored]


def test_a_stranger_cannot_recover_an_unproved_claim(cast: Cast) -> None:
    email = f"{unique('claim')}@example.com"
    sign_up(Browser(), cast.acme, email)
    ask(Browser(), cast.acme, email)
    assert "No account" in mails_to(email)[0]["subject"]
