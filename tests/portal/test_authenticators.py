"""The person's authenticators on their own pages: adding, naming, removing, recovery codes (AUT-05, AUT-14)."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from core import scope
from core.principal import SYSTEM
from events.models import Event
from identity import authenticators
from identity.models import Account, Passkey, TrustedBrowser
from tenants import members, selectors
from tests.factories import Browser, Person, make_account, make_organization, make_tenant
from tests.factories.authenticator import Authenticator
from tests.factories.factors import (
    MFA,
    add_passkey,
    add_recovery_codes,
    add_totp,
    code_of,
    enrol_app,
    use_passkey,
)
from tests.factories.hosted import at_home, mails_to, sign_in
from tests.factories.policies import change_organization_policy


@pytest.fixture
def person() -> Person:
    return make_account()


@pytest.fixture
def stranger() -> Person:
    return make_account(name="Stranger")


def at_home_with_code(person: Person, key: bytes, ahead: int = 0) -> Browser:
    browser = Browser()
    page = browser.follow(sign_in(browser, None, person.email))
    browser.follow(browser.submit(page, {"code": code_of(key, ahead)}))
    return browser


def held(person: Person) -> authenticators.Held:
    with scope.account(person.account_id):
        return authenticators.held(person.account_id)


def events(person: Person, name: str) -> int:
    with scope.account(person.account_id):
        return Event.objects.filter(type=name).count()


def security(browser: Browser) -> str:
    return browser.get("/account/security").content.decode()


def test_an_app_is_set_up_with_picture_key_and_code_and_gives_ten_codes_once(person: Person) -> None:
    browser = at_home(person)
    page = browser.get("/account/authenticators/app").content.decode()
    assert "data:image/svg+xml" in page
    made = enrol_app(browser)
    assert "no-store" in made.headers["Cache-Control"]
    assert len(set(re.findall(r"\b[a-z0-9]{5}-[a-z0-9]{5}\b", made.content.decode()))) == 10
    assert held(person).totp is not None
    assert "10 codes are left" in security(browser)
    assert events(person, "authenticator.enrolled") == 1
    assert any("was added" in mail["subject"] for mail in mails_to(person.email))


def test_L7_adding_a_factor_renews_the_session(person: Person) -> None:
    browser = at_home(person)
    before = browser.cookies["session"].value
    enrol_app(browser)
    assert browser.cookies["session"].value != before
    assert browser.get("/account/security").status_code == 200


def test_a_wrong_code_sets_up_nothing_and_keeps_the_key(person: Person) -> None:
    browser = at_home(person)
    page = browser.get("/account/authenticators/app")
    again = browser.submit(page, {"code": "000000"}, to="/account/authenticators/app")
    assert again.status_code == 400
    key = re.compile(r"\b[A-Z2-7]{4}(?: [A-Z2-7]{4}){7}\b")
    assert key.search(again.content.decode())[0] == key.search(page.content.decode())[0]  # type: ignore[index]
    assert held(person).totp is None


def test_a_key_offered_to_somebody_else_is_not_taken(person: Person, stranger: Person) -> None:
    from tests.factories.browser import hidden_fields

    theirs = at_home(stranger).get("/account/authenticators/app")
    browser = at_home(person)
    page = browser.get("/account/authenticators/app")
    offer = hidden_fields(theirs.content.decode())["offer"]
    answer = browser.submit(page, {"offer": offer, "code": "123456"}, to="/account/authenticators/app")
    assert answer.headers["Location"].startswith("/account/authenticators/app")
    assert held(person).totp is None


def add(browser: Browser, device: Authenticator, **wrong: Any) -> Any:
    return use_passkey(browser, browser.get("/account/authenticators/passkey"), device, **wrong)


def test_several_passkeys_are_added_named_renamed_and_removed(person: Person) -> None:
    browser = at_home(person)
    assert add(browser, Authenticator()).status_code == 200
    assert add(browser, Authenticator(synced=True)).status_code == 303
    page = security(browser)
    assert "Synced between devices" in page
    assert "On one device only" in page
    first = held(person).passkeys[0]
    where = f"/account/authenticators/{first.public_id}"
    browser.submit(browser.get(f"{where}/name"), {"name": "Blue key"}, to=f"{where}/name")
    assert "Blue key" in security(browser)
    assert browser.submit(browser.get("/account/security"), {}, to=f"{where}/removal").status_code == 303
    assert [row.id for row in held(person).passkeys] != [first.id]
    assert len(held(person).passkeys) == 1
    assert events(person, "authenticator.renamed") == events(person, "authenticator.removed") == 1
    assert any("removed" in mail["subject"] for mail in mails_to(person.email))


def test_M4_a_passkey_of_another_origin_is_not_added(person: Person) -> None:
    answer = add(at_home(person), Authenticator(), origin="https://evil.example")
    assert answer.status_code == 400
    assert "could not be added" in answer.content.decode()
    assert not held(person).passkeys


def test_last_use_is_shown(person: Person) -> None:
    device = add_passkey(person)
    browser = Browser()
    browser.follow(use_passkey(browser, browser.get("/sign-in"), device))
    with scope.account(person.account_id):
        assert Passkey.objects.get().last_used_at is not None
    assert "Laptop" in security(browser)


def test_M5_a_password_alone_removes_nothing(person: Person) -> None:
    browser = at_home(person)
    key = add_totp(person)  # elsewhere; this browser's sign-in is still that of a password
    row = held(person).totp
    assert row is not None
    removal = f"/account/authenticators/{row.public_id}/removal"
    asked = browser.submit(browser.get("/account/security"), {}, to=removal)
    assert "acr_values" in asked.headers["Location"]
    for path in ("app", "passkey"):
        assert "acr_values" in browser.get(f"/account/authenticators/{path}").headers["Location"]
    assert held(person).totp is not None
    page = browser.follow(asked)
    assert "/sign-in/second-factor" in page.requested_path
    browser.follow(browser.submit(page, {"code": code_of(key)}))
    assert browser.submit(browser.get("/account/security"), {}, to=removal).status_code == 303
    assert held(person).totp is None


def test_L8_an_older_sign_in_is_asked_again(person: Person) -> None:
    browser = at_home(person)
    with time_machine.travel(timezone.now() + timedelta(minutes=11), tick=True):
        answer = browser.get("/account/authenticators/app")
        assert "prompt=login" in answer.headers["Location"]


def test_M5_new_recovery_codes_want_the_second_factor_and_kill_the_older(person: Person) -> None:
    key = add_totp(person)
    older = add_recovery_codes(person)
    browser = at_home_with_code(person, key)
    page = browser.submit(browser.get("/account/security"), {}, to="/account/authenticators/recovery-codes")
    fresh = re.findall(r"\b[a-z0-9]{5}-[a-z0-9]{5}\b", page.content.decode())
    assert len(set(fresh)) == 10
    assert not set(fresh) & set(older)
    assert events(person, "recovery_codes.generated") == 2


def test_recovery_codes_need_an_authenticator(person: Person) -> None:
    browser = at_home(person)
    page = browser.get("/account/security")
    assert browser.submit(page, {}, to="/account/authenticators/recovery-codes").status_code == 404


def test_A1_somebody_elses_authenticator_is_not_found(person: Person, stranger: Person) -> None:
    add_passkey(person)
    row = held(person).passkeys[0]
    browser = at_home(stranger)
    page = browser.get("/account/security")
    assert browser.submit(page, {}, to=f"/account/authenticators/{row.public_id}/removal").status_code == 404
    assert browser.get(f"/account/authenticators/{row.public_id}/name").status_code == 404
    assert browser.get("/account/authenticators/pk_nonsense/name").status_code == 404
    assert len(held(person).passkeys) == 1


def test_removing_the_last_one_ends_the_codes_too(person: Person) -> None:
    key = add_totp(person)
    add_recovery_codes(person)
    browser = at_home_with_code(person, key)
    row = held(person).totp
    assert row is not None
    browser.submit(
        browser.get("/account/security"), {}, to=f"/account/authenticators/{row.public_id}/removal"
    )
    assert held(person).codes_left == 0


def test_L9_next_is_a_path_of_ours(person: Person) -> None:
    page = at_home(person).get("/account/authenticators/app?next=https://evil.example/")
    assert 'name="next" value="/account/security"' in page.content.decode()


def test_a_session_of_a_trusted_browser_proves_itself_for_changes(person: Person) -> None:
    key = add_totp(person)
    browser = Browser()
    page = browser.follow(sign_in(browser, None, person.email))
    browser.follow(browser.submit(page, {"code": code_of(key), "trust": "on"}))
    browser.cookies.pop("session")
    browser.follow(sign_in(browser, None, person.email))
    assert browser.get("/account/security").status_code == 200
    location = browser.get("/account/authenticators/passkey").headers["Location"]
    assert MFA.replace(":", "%3A") in location


def demanding(person: Person, policy: dict[str, Any]) -> Any:
    """A service that the person is in and that has this policy."""
    tenant = make_tenant(policy=policy)
    with scope.tenant(tenant.id):
        members.create_member(
            actor=SYSTEM, email=person.email, account_id=person.account_id, email_verified=True
        )
    return tenant


def removal(browser: Browser, row: Any) -> Any:
    where = f"/account/authenticators/{row.public_id}/removal"
    return browser.follow(browser.submit(browser.get("/account/security"), {}, to=where))


def test_POR02_the_last_factor_stays_where_a_service_demands_one(person: Person) -> None:
    key = add_totp(person)
    tenant = demanding(person, {"member_factor": "second_factor"})
    browser = at_home_with_code(person, key)
    refused = removal(browser, held(person).totp).content.decode()
    assert "A service demands this authenticator" in refused
    assert tenant.slug.title() in refused
    assert held(person).totp is not None
    add_passkey(person)
    removal(browser, held(person).totp)
    assert held(person).totp is None


def test_POR02_the_last_passkey_stays_where_a_service_demands_one(person: Person) -> None:
    key, _device = add_totp(person), add_passkey(person)
    demanding(person, {"member_factor": "passkey"})
    browser = at_home_with_code(person, key)
    assert "A service demands" in removal(browser, held(person).passkeys[0]).content.decode()
    assert held(person).passkeys


def test_POR02_the_last_factor_stays_where_an_organization_demands_one(person: Person) -> None:
    key = add_totp(person)
    tenant = demanding(person, {})
    with scope.tenant(tenant.id):
        member = selectors.member_by_account(person.account_id)
    organization = make_organization(tenant, people=[Person(person.account_id, "", member=member)])
    change_organization_policy(tenant, organization, member_factor="second_factor")
    browser = at_home_with_code(person, key)
    assert "A service demands" in removal(browser, held(person).totp).content.decode()


def test_POR02_without_a_password_the_last_passkey_stays(person: Person) -> None:
    device = add_passkey(person)
    with scope.account(person.account_id):
        Account.objects.filter(id=person.account_id).update(password="!")
    browser = Browser()
    browser.follow(use_passkey(browser, browser.get("/sign-in"), device))
    assert (
        "Nothing else of yours opens your account"
        in removal(browser, held(person).passkeys[0]).content.decode()
    )
    assert held(person).passkeys


def trust(person: Person, key: bytes, ahead: int = 0) -> Browser:
    browser = Browser(HTTP_USER_AGENT="Mozilla/5.0 (X11; Linux x86_64) Firefox/150.0")
    page = browser.follow(sign_in(browser, None, person.email))
    browser.follow(browser.submit(page, {"code": code_of(key, ahead), "trust": "on"}))
    return browser


def is_asked(browser: Browser, person: Person) -> bool:
    browser.cookies.pop("session", None)
    page = browser.follow(sign_in(browser, None, person.email))
    return "/sign-in/second-factor" in page.requested_path


def test_M5_one_trusted_browser_is_seen_and_ended(person: Person, stranger: Person) -> None:
    browser = trust(person, add_totp(person))
    assert "Firefox on Linux" in security(browser)
    with scope.account(person.account_id):
        row = TrustedBrowser.objects.get(account_id=person.account_id)
    where = f"/account/trusted-browsers/{row.public_id}/removal"
    intruder = at_home(stranger)
    assert intruder.submit(intruder.get("/account/security"), {}, to=where).status_code == 404
    assert not is_asked(browser, person)
    browser.submit(browser.get("/account/security"), {}, to=where)
    assert is_asked(browser, person)
    assert events(person, "device.forgotten") == 1


def test_M5_all_trusted_browsers_are_ended_at_once(person: Person) -> None:
    key = add_totp(person)
    browsers = [trust(person, key), trust(person, key, 1)]
    here = browsers[0]
    here.submit(here.get("/account/security"), {}, to="/account/trusted-browsers/removal")
    assert "Trusted browsers" not in security(here)
    assert all(is_asked(browser, person) for browser in browsers)
