"""L5: what somebody with the lost password left in the account comes to nothing when its owner recovers it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core import scope
from events import selectors as events
from identity import authenticators, emails, selectors
from identity.models import EmailAddress, RecoveryCode, TotpDevice, TrustedBrowser
from identity.settling import HOLD
from oauth.models import Consent
from portal import deletions, exports
from portal.models import DataExport, Deletion
from tenants import links
from tenants.models import TenantSession
from tests.factories import Browser, Cast, Person, make_account, make_cast, make_member, unique
from tests.factories.authenticator import Authenticator
from tests.factories.factors import add_totp, enrol_app, use_passkey
from tests.factories.hosted import NEW_PASSWORD, at_home, code_in, mails_to, sign_in
from tests.portal.test_addresses import act, claim, prove
from tests.portal.test_applications import allow
from tests.portal.test_links import join, known, link
from tests.signin import test_mail_door as mail_door
from tests.signin.test_recovery import choose, link_for


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def victim(cast: Cast) -> Person:
    return make_member(cast.acme)


def recover(victim: Person) -> str:
    """Recover by mail, let every promised job run, and return the text of the mail that says so."""
    assert choose(Browser(), link_for(None, victim.email)).status_code == 303
    return mails_to(victim.email)[0]["text"]


def held(person: Person) -> authenticators.Held:
    with scope.account(person.account_id):
        return authenticators.held(person.account_id)


def owner_is_in(victim: Person) -> bool:
    """Whether the new password alone opens the account, with no factor of somebody else in between."""
    browser = Browser()
    browser.follow(sign_in(browser, None, victim.email, NEW_PASSWORD))
    return browser.get("/account/").status_code == 200


def test_L5_an_app_that_an_intruder_added_is_dropped_with_its_codes(victim: Person) -> None:
    enrol_app(at_home(victim))
    assert "Authenticator app" in recover(victim)
    assert not held(victim).any
    with scope.account(victim.account_id):
        assert not RecoveryCode.objects.filter(user_id=victim.account_id).exists()
        (gone,) = events.described(events.stream().filter(type="authenticator.removed"))
        assert events.envelope(gone)["data"]["object"]["reason"] == "recovery"
    assert owner_is_in(victim)


def test_L5_a_passkey_that_an_intruder_added_is_dropped_and_opens_nothing(victim: Person) -> None:
    intruder, device = at_home(victim), Authenticator()
    use_passkey(intruder, intruder.get("/account/authenticators/passkey"), device)
    recover(victim)
    assert not held(victim).any
    browser = Browser()
    assert "session" not in use_passkey(browser, browser.get("/sign-in"), device).cookies
    assert owner_is_in(victim)


def test_L5_a_second_factor_added_behind_the_intruders_first_is_dropped_too(victim: Person) -> None:
    intruder = at_home(victim)
    enrol_app(intruder)
    assert (
        use_passkey(intruder, intruder.get("/account/authenticators/passkey"), Authenticator()).status_code
        == 303
    )
    recover(victim)
    assert not held(victim).any


def test_M3_mail_alone_does_not_undo_the_owners_own_factor(victim: Person) -> None:
    add_totp(victim)
    recover(victim)
    assert held(victim).any
    assert not owner_is_in(victim)


def test_M3_a_factor_that_nobody_objected_to_for_a_week_stays(victim: Person) -> None:
    enrol_app(at_home(victim))
    with scope.account(victim.account_id):
        row = TotpDevice.objects.get(user_id=victim.account_id)
        assert row.unsettled_until > timezone.now() + HOLD - timedelta(minutes=5)
        TotpDevice.objects.filter(id=row.id).update(unsettled_until=timezone.now())
    recover(victim)
    assert held(victim).any


def test_M3_a_factor_added_in_a_sign_in_by_mail_is_the_owners_at_once(victim: Person) -> None:
    browser = Browser()
    page = mail_door.ask(browser, None, victim.email)
    browser.follow(browser.submit(page, {"code": code_in(mails_to(victim.email)[0])}))
    enrol_app(browser)
    recover(victim)
    assert held(victim).any


def test_L5_an_address_that_an_intruder_added_is_dropped(victim: Person) -> None:
    theirs, intruder = f"{unique('intruder')}@example.com", at_home(victim)
    claim(intruder, theirs)
    prove(intruder, code_in(mails_to(theirs)[0]))
    recover(victim)
    assert selectors.account_id_by_address(emails.parse(theirs)) is None
    assert owner_is_in(victim)


def test_L5_a_primary_address_of_an_intruder_gives_way_to_the_owners(victim: Person) -> None:
    theirs, intruder = f"{unique('intruder')}@example.com", at_home(victim)
    claim(intruder, theirs)
    prove(intruder, code_in(mails_to(theirs)[0]))
    assert act(intruder, "primary").status_code == 303
    removed = act(intruder, "remove")
    assert removed.status_code == 409  # the owner's address, by which the account is taken back
    recover(victim)
    with scope.account(victim.account_id):
        (kept,) = EmailAddress.objects.filter(account_id=victim.account_id)
        assert (kept.address, kept.is_primary) == (victim.email, True)


def test_L5_sessions_in_every_service_end(cast: Cast, victim: Person) -> None:
    intruder = at_home(victim)
    intruder.follow(intruder.get(f"/t/{cast.acme.slug}/sign-in"))
    recover(victim)
    assert intruder.get("/account/").status_code == 303
    with scope.tenant(cast.acme.id):
        assert not TenantSession.objects.filter(member=victim.member, ended_at=None).exists()


def test_L5_links_between_services_end(cast: Cast, victim: Person) -> None:
    there = join(victim, cast.globex)
    link(victim, cast.acme, cast.globex)
    recover(victim)
    assert known(cast.acme, victim.member.id) == known(cast.globex, there.id) == []
    with scope.account(victim.account_id):
        assert not links.links(victim.account_id).exists()


def test_L5_what_was_allowed_lately_is_taken_back(cast: Cast, victim: Person) -> None:
    old, new = allow(cast, victim, cast.owner), allow(cast, victim, cast.owner)
    with scope.tenant(cast.acme.id):
        Consent.objects.filter(id=old.id).update(updated_at=timezone.now() - HOLD - timedelta(hours=1))
    recover(victim)
    with scope.tenant(cast.acme.id):
        assert Consent.objects.get(id=old.id).revoked_at is None
        assert Consent.objects.get(id=new.id).revoked_at is not None


def test_L5_a_planned_end_and_a_copy_of_the_data_are_undone(victim: Person) -> None:
    deletions.plan(account_id=victim.account_id)
    with scope.account(victim.account_id):
        exports.request(account_id=victim.account_id)
    recover(victim)
    with scope.account(victim.account_id):
        assert not Deletion.objects.exists()
        assert not DataExport.objects.exists()


def test_L5_trusted_browsers_are_forgotten(victim: Person) -> None:
    with scope.account(victim.account_id):
        TrustedBrowser.objects.create(account_id=victim.account_id, digest="d", proved_at=timezone.now())
    recover(victim)
    with scope.account(victim.account_id):
        assert not TrustedBrowser.objects.filter(account_id=victim.account_id).exists()


def test_another_persons_account_is_left_alone(cast: Cast, victim: Person) -> None:
    other = make_account()
    enrol_app(at_home(other))
    recover(victim)
    assert held(other).any


def test_a_late_second_telling_takes_back_nothing_newer(cast: Cast, victim: Person) -> None:
    """The job that makes a recovery good after a crash may run once the person has begun anew."""
    recover(victim)
    told: dict[str, Any] = {
        "account_id": str(victim.account_id),
        "sessions": [],
        "reason": "recovery",
        "at": (timezone.now() - timedelta(minutes=1)).isoformat(),
    }
    consent = allow(cast, victim, cast.owner)
    from identity.sessions import tell_again

    tell_again(told)
    with scope.tenant(cast.acme.id):
        assert Consent.objects.get(id=consent.id).revoked_at is None
