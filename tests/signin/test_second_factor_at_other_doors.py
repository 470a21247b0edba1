"""M3: whatever the first proof was, who has a second factor is asked for it, and who needs one gets no further.

The doors behind a sign-in (device, refresh, code, exchange, organization switch) are in
tests/oauth/test_assurance_doors.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings

from core import scope
from tenants.models import TenantSession
from tests.factories import Browser, Cast, Person, make_cast, make_member, make_tenant, unique
from tests.factories.authenticator import USER_PRESENT
from tests.factories.factors import PHR, add_passkey, add_totp, code_of, use_passkey
from tests.factories.hosted import (
    NEW_PASSWORD,
    code_in,
    elsewhere,
    link_in,
    mails_to,
    prefix,
    sign_in,
    sign_up,
)
from tests.factories.policies import change_policy
from tests.invitations import test_invitation_page as invitations
from tests.oauth.helpers import Flow, register
from tests.signin import test_mail_door as mail
from tests.signin import test_phone_door as phone
from tests.signin import test_wallet_door as wallet
from tests.signin.test_guests import come_as_guest
from tests.signin.test_sign_in import seen, who

EVERY_WAY = ["password", "passkey", "magic_link", "email_code", "phone_code", "wallet", "guest"]


@pytest.fixture(scope="module")
def cast() -> Cast:
    cast = make_cast()
    cast.acme = make_tenant(policy={"sign_in_methods": EVERY_WAY}, owner=cast.owner)
    return cast


@pytest.fixture(scope="module")
def strict() -> Cast:
    """The same where the tenant demands a second factor of every member."""
    cast = make_cast()
    demand = {"sign_in_methods": EVERY_WAY, "member_factor": "second_factor"}
    cast.acme = make_tenant(policy=demand, owner=cast.owner)
    return cast


@pytest.fixture(autouse=True)
def _real_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "SIGNIN_BRIDGE", "signin.bridge")


def by_password(browser: Browser, cast: Cast, person: Person) -> Any:
    return sign_in(browser, cast.acme, person.email)


def by_mailed_code(browser: Browser, cast: Cast, person: Person) -> Any:
    page = mail.ask(browser, cast.acme, person.email)
    return browser.submit(page, {"code": code_in(mails_to(person.email)[0])})


def by_mailed_link(browser: Browser, cast: Cast, person: Person) -> Any:
    mail.ask(browser, cast.acme, person.email)
    return browser.submit(browser.get(link_in(mails_to(person.email)[0])))


def by_phone(browser: Browser, cast: Cast, person: Person) -> Any:
    number = phone.linked(person)
    return browser.submit(phone.ask(browser, cast, number), {"code": phone.code_to(number)})


def by_wallet(browser: Browser, cast: Cast, person: Person) -> Any:
    held = wallet.linked(person)
    page = wallet.ask(browser, cast, held.address.lower())
    return browser.submit(page, {"signature": wallet.signed(held, wallet.message_on(page))})


def by_recovery(browser: Browser, cast: Cast, person: Person) -> Any:
    browser.submit(browser.get(f"{prefix(cast.acme)}/recovery"), {"email": person.email})
    link = link_in(next(one for one in mails_to(person.email) if "recovery" in one["links"][0]))
    assert browser.submit(browser.get(link), {"new_password": NEW_PASSWORD}).status_code == 303
    return sign_in(browser, cast.acme, person.email, NEW_PASSWORD)


Door = Callable[[Browser, Cast, Person], Any]
FIRST_PROOFS: list[Door] = [by_password, by_mailed_code, by_mailed_link, by_phone, by_wallet, by_recovery]
each_door = pytest.mark.parametrize("door", FIRST_PROOFS, ids=lambda door: door.__name__)


def assert_nobody_is_in(browser: Browser, cast: Cast) -> None:
    assert who(browser, cast.acme) is None
    assert "/sign-in" in browser.get(f"{prefix(cast.acme)}/sign-in/continue").headers["Location"]
    assert browser.get(f"/dashboard/{cast.acme.slug}/").status_code != 200
    refused = Flow(cast.acme, register(cast.acme), browser).start()
    assert "/sign-in?" in refused.headers["Location"]
    assert "code=" not in refused.headers["Location"]


@each_door
def test_M3_a_first_proof_is_half_the_way_for_who_has_a_second_factor(cast: Cast, door: Door) -> None:
    browser, person = elsewhere(), make_member(cast.acme)
    key = add_totp(person)
    page = browser.follow(door(browser, cast, person))
    assert "/sign-in/second-factor" in page.requested_path
    assert_nobody_is_in(browser, cast)
    assert "/sign-in" in browser.get("/account/").headers["Location"]
    assert browser.submit(page, {"code": "000000"}).status_code == 400
    browser.follow(browser.submit(page, {"code": code_of(key)}))
    assert "otp" in seen(browser, cast.acme).amr


@each_door
def test_M3_who_has_none_adds_one_before_a_tenant_that_demands_it(strict: Cast, door: Door) -> None:
    browser, person = elsewhere(), make_member(strict.acme)
    page = browser.follow(door(browser, strict, person))
    assert "/sign-in/enrol" in page.requested_path
    assert_nobody_is_in(browser, strict)
    with scope.tenant(strict.acme.id):
        assert not TenantSession.objects.filter(member=person.member).exists()


def test_M3_a_guest_is_no_exception_nor_is_who_was_one(strict: Cast) -> None:
    browser, email = elsewhere(), f"{unique('guest')}@example.com"
    page = come_as_guest(browser, strict)
    assert "/sign-in/enrol" in page.requested_path
    assert_nobody_is_in(browser, strict)
    add, proof = "/account/addresses/add", "/account/addresses/proof"
    browser.submit(browser.get(add), {"email": email}, to=add)
    browser.submit(browser.get(proof), {"code": code_in(mails_to(email)[0])}, to=proof)
    assert "/sign-in/enrol" in browser.follow(browser.get(f"{prefix(strict.acme)}/sign-in")).requested_path
    assert_nobody_is_in(browser, strict)
    page = mail.ask(later := elsewhere(), strict.acme, email)
    page = later.follow(later.submit(page, {"code": code_in(mails_to(email)[0])}))
    assert "/sign-in/enrol" in page.requested_path
    assert_nobody_is_in(later, strict)


def test_M3_a_sign_up_from_an_invitation_is_no_exception(strict: Cast) -> None:
    email, browser = f"{unique('fresh')}@example.com", elsewhere()
    invitation, link = invitations.invited(strict, email)
    back = browser.follow(sign_up(browser, strict.acme, email, query=invitations.query_of(browser.get(link))))
    assert "/sign-in/enrol" in back.requested_path
    assert_nobody_is_in(browser, strict)
    browser.submit(back, {"act": "accept"}, to=link)
    assert invitations.state(strict, invitation) == "pending"


def test_M3_M4_a_passkey_without_user_verification_opens_nothing_anywhere(cast: Cast, strict: Cast) -> None:
    for one in (cast, strict):
        person, browser = make_member(one.acme), elsewhere()
        device = add_passkey(person)
        page = browser.get(f"{prefix(one.acme)}/sign-in")
        refused = browser.follow(use_passkey(browser, page, device, flags=USER_PRESENT))
        assert "did not work" in refused.content.decode()
        assert_nobody_is_in(browser, one)
        page = browser.follow(sign_in(browser, one.acme, person.email))
        assert use_passkey(browser, page, device, flags=USER_PRESENT).status_code == 400
        assert_nobody_is_in(browser, one)
        browser.follow(use_passkey(browser, page, device))
        assert seen(browser, one.acme).acr == PHR


def test_M3_a_demand_that_rises_meets_who_is_signed_in_at_the_next_page(cast: Cast) -> None:
    tenant = make_tenant()
    browser, person = elsewhere(), make_member(tenant)
    browser.follow(sign_in(browser, tenant, person.email))
    assert who(browser, tenant) is not None
    change_policy(tenant, member_factor="second_factor")
    assert_nobody_is_in(browser, Cast(tenant, person, person))
    assert "/sign-in/enrol" in browser.follow(browser.get(f"{prefix(tenant)}/sign-in")).requested_path
