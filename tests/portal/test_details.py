"""What one service gets of a person: chosen part by part, at consent and afterwards (TEN-16, POR-01)."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile

from core import ids, scope
from events import selectors as events
from identity import contacts, siwe
from identity.models import Account, EmailAddress
from tenants import selectors
from tenants.models import Member, MemberPicture, Tenant
from tests.dashboard.test_frame import signed_in
from tests.factories import Browser, Cast, Person, make_cast, make_member
from tests.factories.browser import path_of
from tests.oauth.helpers import Flow, bearer_get, flow, query_of
from tests.portal.test_profile import CHOOSE, png

SCOPES = ["openid", "profile", "email", "phone", "wallets"]


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def person(cast: Cast) -> Person:
    """Somebody with parts of a name, two phones, two wallets and a picture."""
    person = make_member(cast.acme)
    with scope.account(person.account_id):
        Account.objects.update(given_name="Mia", family_name="Muster", zoneinfo="Europe/Zurich")
        for _ in range(2):
            number = f"+4930{secrets.randbelow(9_000_000) + 1_000_000}"
            contacts.link_phone(account_id=person.account_id, address=contacts.number(number))
            wallet = siwe.wallet(f"0x{secrets.token_hex(20)}")
            contacts.link_wallet(account_id=person.account_id, address=wallet)
    browser = signed_in(person)
    browser.submit(browser.get("/account/"), {"picture": SimpleUploadedFile("me.png", png())}, to=CHOOSE)
    return person


@pytest.fixture
def by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "SIGNIN_BRIDGE", "tests.oauth.fake_bridge")


def owned(person: Person) -> tuple[list[str], list[str]]:
    with scope.account(person.account_id):
        numbers = contacts.phones(person.account_id).values_list("number", flat=True)
        wallets = contacts.wallets(person.account_id).values_list("address", flat=True)
        return list(numbers), list(wallets)


def told(run: Flow, **choices: Any) -> dict[str, Any]:
    """Allow with these choices made, and return what userinfo says."""
    page = run.start(scope=" ".join(SCOPES))
    answer = run.browser.submit(page, {"decision": "allow", **choices})
    token = run.redeem(query_of(answer.headers["Location"])["code"]).json()["access_token"]
    found: dict[str, Any] = bearer_get(run.tenant, "/oauth/userinfo", token).json()
    return found


@pytest.mark.usefixtures("by_itself")
def test_TEN16_everything_asked_for_and_allowed_comes(cast: Cast, person: Person) -> None:
    phones, wallets = owned(person)
    found = told(flow(person, scopes=SCOPES))
    assert (found["given_name"], found["family_name"], found["zoneinfo"]) == (
        "Mia",
        "Muster",
        "Europe/Zurich",
    )
    assert (found["phone_number"], found["phone_number_verified"]) == (phones[0], True)
    assert found["wallets"] == [f"eip155:1:{wallet}" for wallet in wallets]
    shown = Browser().get(path_of(found["picture"]))
    assert (shown.content, shown.headers["Content-Type"]) == (png(), "image/png")


@pytest.mark.usefixtures("by_itself")
def test_TEN16_picture_and_wallets_are_left_out_one_by_one(cast: Cast, person: Person) -> None:
    _phones, wallets = owned(person)
    found = told(flow(person, scopes=SCOPES), withhold=["picture", wallets[0]])
    assert "picture" not in found
    assert found["wallets"] == [f"eip155:1:{wallets[1]}"]
    with scope.tenant(cast.acme.id):
        assert not MemberPicture.objects.filter(member=person.member).exists()


@pytest.mark.usefixtures("by_itself")
def test_TEN16_phone_and_wallets_are_dropped_and_not_written(cast: Cast, person: Person) -> None:
    found = told(flow(person, scopes=SCOPES), drop=["phone", "wallets"])
    assert not found.keys() & {"phone_number", "wallets"}
    with scope.tenant(cast.acme.id):
        assert not Member.objects.get(id=person.member.id).profile.keys() & {"phone_number", "wallets"}


@pytest.mark.usefixtures("by_itself")
def test_TEN16_the_other_phone_is_chosen_and_nobody_elses(cast: Cast, person: Person) -> None:
    phones, _wallets = owned(person)
    assert told(flow(person, scopes=SCOPES), give_phone=phones[1])["phone_number"] == phones[1]
    assert told(flow(person, scopes=SCOPES), give_phone="+41445551234")["phone_number"] == phones[0]


@pytest.mark.usefixtures("by_itself")
def test_the_services_own_entries_stay_at_consent(cast: Cast, person: Person) -> None:
    with scope.tenant(cast.acme.id):
        Member.objects.filter(id=person.member.id).update(profile={"given_name": "Maria"})
    assert told(flow(person, scopes=SCOPES))["given_name"] == "Maria"


@pytest.mark.usefixtures("by_itself")
def test_nothing_is_offered_that_was_not_asked_for(cast: Cast, person: Person) -> None:
    page = flow(person, scopes=SCOPES).start(scope="openid email").content.decode()
    phones, wallets = owned(person)
    assert not [value for value in (*phones, *wallets, "withhold") if value in page]


def test_O10_the_addresses_of_one_picture_tell_two_services_nothing(cast: Cast, person: Person) -> None:
    from tests.portal.test_links import join

    join(person, cast.globex)
    names = []
    for tenant in (cast.acme, cast.globex):
        save(person, tenant, give=["picture"])
        with scope.tenant(tenant.id):
            names.append(MemberPicture.objects.get(member__account_id=person.account_id).token)
    assert names[0] != names[1]
    assert Browser().get(f"/t/{cast.globex.slug}/pictures/{names[0]}").status_code == 404


def page_of(tenant: Any) -> str:
    return f"/account/privacy/{ids.encode(Tenant.PREFIX, tenant.id)}/details"


def save(who: Person, tenant: Any, **choices: Any) -> Any:
    browser = signed_in(who)
    return browser.submit(browser.get("/account/privacy"), choices, to=page_of(tenant))


def member_of(cast: Cast, person: Person) -> Member:
    with scope.tenant(cast.acme.id):
        return selectors.member(person.member.id)


def test_TEN16_what_was_given_is_seen_and_taken_back(cast: Cast, person: Person) -> None:
    phones, wallets = owned(person)
    everything = {"address": person.email, "give": ["name", "given_name", "picture"], "phone": phones[1]}
    assert save(person, cast.acme, **everything, wallet=wallets).status_code == 303
    given = member_of(cast, person)
    assert (given.name, given.profile["given_name"], given.profile["phone_number"]) == (
        "Some Body",
        "Mia",
        phones[1],
    )
    address = given.profile["picture"]
    assert Browser().get(path_of(address)).status_code == 200
    page = signed_in(person).get(page_of(cast.acme)).content.decode()
    assert 'id="give-picture" name="give" value="picture" checked' in page
    assert save(person, cast.acme, address="none", phone="none").status_code == 303
    left = member_of(cast, person)
    assert (left.email, left.name, left.profile) == ("", "", {})
    assert Browser().get(path_of(address)).status_code == 404
    with scope.tenant(cast.acme.id):
        mine = events.stream().filter(type="user.updated", actor_id=person.subject)
        assert mine.count() >= 2
        assert not any(phones[1].encode() in bytes(event.canonical) for event in mine)
        told = [events.envelope(row)["data"].get("previous", {}) for row in events.described(mine)]
        assert any(phones[1] in previous.get("profile", "") for previous in told)


def test_TEN16_an_address_that_was_taken_back_does_not_return_with_the_next_sign_in(
    cast: Cast, person: Person
) -> None:
    save(person, cast.acme, address="none")
    browser = signed_in(person)
    browser.follow(browser.get(f"/t/{cast.acme.slug}/sign-in"))
    assert member_of(cast, person).email == ""


def test_TEN16_another_of_ones_own_addresses_is_given_and_nobody_elses(cast: Cast, person: Person) -> None:
    with scope.account(person.account_id):
        EmailAddress.objects.create(
            account_id=person.account_id, address="second@example.com", digest=f"test:{person.account_id}"
        )
    save(person, cast.acme, address=cast.stranger.email)
    assert member_of(cast, person).email == person.email
    save(person, cast.acme, address="second@example.com")
    assert member_of(cast, person).email == "second@example.com"


def test_an_address_that_the_service_wrote_itself_stays_unless_another_is_chosen(
    cast: Cast, person: Person
) -> None:
    with scope.tenant(cast.acme.id):
        Member.objects.filter(id=person.member.id).update(email="hr@acme.example")
    page = signed_in(person).get(page_of(cast.acme)).content.decode()
    assert '<option value="hr@acme.example" selected>' in page
    save(person, cast.acme, address="hr@acme.example")
    assert member_of(cast, person).email == "hr@acme.example"


def test_what_the_service_wrote_itself_stays(cast: Cast, person: Person) -> None:
    with scope.tenant(cast.acme.id):
        Member.objects.filter(id=person.member.id).update(profile={"given_name": "Maria", "gender": "f"})
    save(person, cast.acme)
    assert member_of(cast, person).profile == {"given_name": "Maria", "gender": "f"}


@pytest.mark.parametrize("who", ["stranger", "other_member"])
def test_A1_nobody_decides_for_a_service_that_does_not_know_them(cast: Cast, who: str) -> None:
    browser = signed_in(getattr(cast, who))
    assert browser.get(page_of(cast.acme)).status_code == 404
    assert save(getattr(cast, who), cast.acme, address="none").status_code == 404


def test_erasure_takes_the_picture_too(cast: Cast, person: Person) -> None:
    save(person, cast.acme, give=["picture"])
    departure = page_of(cast.acme).replace("details", "departure")
    browser = signed_in(person)
    assert browser.submit(browser.get(departure), to=departure).status_code == 303
    with scope.tenant(cast.acme.id):
        assert not MemberPicture.objects.filter(member=person.member).exists()
