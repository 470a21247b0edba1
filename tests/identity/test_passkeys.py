"""Passkeys and one-time codes as services: what is kept, what is refused, what works once."""

from __future__ import annotations

import json
import time

import pytest
from django.conf import settings

from core import scope
from identity import authenticators, passkeys, recovery_codes, totp
from identity.errors import AuthenticatorRefused, WrongFactor
from identity.models import Passkey, RecoveryCode, TotpDevice
from tests.factories import Person, make_account
from tests.factories.authenticator import USER_PRESENT, USER_VERIFIED, Authenticator, encode
from tests.factories.hosted import mails_to

BROWSER = "browser-1"


def registered(person: Person, *, name: str = "Laptop", **options: bool) -> Authenticator:
    device = Authenticator(**options)
    site = passkeys.here()
    asked = passkeys.offer(
        account_id=person.account_id, label=person.email, name="Some Body", site=site, bound_to=BROWSER
    )
    passkeys.register(
        account_id=person.account_id, answer=device.create(asked), name=name, site=site, bound_to=BROWSER
    )
    return device


def asked_of(person: Person | None = None, bound_to: str = BROWSER) -> str:
    account_id = person.account_id if person else None
    return passkeys.ask(site=passkeys.here(), bound_to=bound_to, account_id=account_id)


def prove(answer: str, person: Person | None = None, bound_to: str = BROWSER) -> passkeys.Proved:
    account_id = person.account_id if person else None
    return passkeys.prove(answer=answer, site=passkeys.here(), bound_to=bound_to, account_id=account_id)


def test_a_discoverable_passkey_says_who_it_is() -> None:
    person = make_account()
    device = registered(person)
    assert prove(device.get(asked_of())) == passkeys.Proved(person.account_id, ("hwk",))


def test_several_passkeys_share_the_handle_and_tell_synced_from_device_bound() -> None:
    person = make_account()
    first, second = registered(person), registered(person, name="Phone", synced=True, counts=False)
    assert first.handle == second.handle
    assert str(person.account_id).replace("-", "") not in first.handle.hex()
    assert prove(second.get(asked_of())).amr == ("swk",)
    with scope.account(person.account_id):
        assert [row.is_synced for row in authenticators.held(person.account_id).passkeys] == [False, True]


WRONG = {
    "origin": {"origin": "https://evil.example"},
    "rp_id": {"rp_id": "evil.example"},
    "no user verification": {"flags": USER_PRESENT},
    "no user presence": {"flags": USER_VERIFIED},
    "type": {"type": "webauthn.create"},
    "owner": {"handle": b"somebody else's handle"},
    "no owner": {"handle": b""},
    "challenge": {"challenge": encode(bytes(32))},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_M4_each_broken_check_is_refused(wrong: dict[str, object]) -> None:
    device = registered(make_account())
    with pytest.raises(WrongFactor):
        prove(device.get(asked_of(), **wrong))


REFUSED = {name: WRONG[name] for name in ("origin", "rp_id", "no user verification", "no user presence")}


@pytest.mark.parametrize("wrong", REFUSED.values(), ids=REFUSED)
def test_M4_a_broken_registration_is_refused(wrong: dict[str, object]) -> None:
    person, site = make_account(), passkeys.here()
    asked = passkeys.offer(
        account_id=person.account_id, label=person.email, name="", site=site, bound_to=BROWSER
    )
    answer = Authenticator().create(asked, **wrong)
    with pytest.raises(AuthenticatorRefused):
        passkeys.register(account_id=person.account_id, answer=answer, name="x", site=site, bound_to=BROWSER)


def test_M4_a_challenge_works_once_and_in_its_own_browser_only() -> None:
    device = registered(make_account(), counts=False)
    asked = asked_of()
    with pytest.raises(WrongFactor):
        prove(device.get(asked), bound_to="another-browser")
    answer = device.get(asked)
    prove(answer)
    with pytest.raises(WrongFactor):
        prove(answer)


def test_M4_a_signature_of_another_key_is_refused() -> None:
    victim, thief = registered(make_account()), Authenticator()
    thief.credential_id, thief.handle, thief.rp_id = victim.credential_id, victim.handle, victim.rp_id
    thief.count = 50
    with pytest.raises(WrongFactor):
        prove(thief.get(asked_of()))


def test_M4_another_persons_passkey_is_no_second_factor() -> None:
    owner, other = make_account(), make_account()
    registered(owner)
    device = registered(other)
    with pytest.raises(WrongFactor):
        prove(device.get(asked_of(owner)), owner)


def test_M4_a_counter_that_goes_back_is_refused_and_recorded() -> None:
    from events.models import Event

    person = make_account()
    device = registered(person)
    prove(device.get(asked_of()))
    with pytest.raises(WrongFactor):
        prove(device.get(asked_of(), count=1))
    with scope.account(person.account_id):
        assert Event.objects.filter(type="authenticator.locked").count() == 1


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "[]",
        "{}",
        "null",
        '{"id": 1}',
        "x" * 30_000,
        json.dumps({"id": "a", "rawId": "a", "type": "public-key", "response": {}}),
    ],
)
def test_M4_nonsense_is_a_refusal_not_an_error(answer: str) -> None:
    with pytest.raises(WrongFactor):
        prove(answer)


def test_a_passkey_is_bound_to_its_host() -> None:
    person = make_account()
    device = registered(person)
    with scope.account(person.account_id):
        assert Passkey.objects.get().rp_id == passkeys.here().rp_id
    elsewhere = passkeys.Site("https://login.customer.example")
    asked = passkeys.ask(site=elsewhere, bound_to=BROWSER)
    with pytest.raises(WrongFactor):
        passkeys.prove(answer=device.get(asked), site=elsewhere, bound_to=BROWSER)
    assert elsewhere.origin != settings.ORIGIN


def test_M2_a_code_works_once_per_time_step_and_its_key_is_sealed() -> None:
    person = make_account()
    device = enrolled(person)
    with scope.account(person.account_id):
        row = TotpDevice.objects.get()
        assert device not in bytes(row.sealed_key)
        assert not row.verify_token(now(device))  # spent by enrolling
        assert row.verify_token(now(device, 1))
        assert not row.verify_token(now(device, 1))
        assert not row.verify_token(now(device))  # older than what was used


def enrolled(person: Person) -> bytes:
    offer = totp.offer(account_id=person.account_id, label=person.email)
    with scope.account(person.account_id):
        totp.enrol(account_id=person.account_id, sealed=offer.sealed, code=now(offer.key), name="Phone")
    return offer.key


def now(key: bytes, ahead: int = 0) -> str:
    from django_otp.oath import hotp

    return f"{hotp(key, int(time.time()) // 30 + ahead):06d}"


def test_an_offered_key_is_its_persons_only_and_is_kept_by_the_right_code_only() -> None:
    person, other = make_account(), make_account()
    offer = totp.offer(account_id=person.account_id, label=person.email)
    with scope.account(other.account_id), pytest.raises(AuthenticatorRefused):
        totp.enrol(account_id=other.account_id, sealed=offer.sealed, code=now(offer.key), name="x")
    with scope.account(person.account_id):
        with pytest.raises(WrongFactor):
            totp.enrol(account_id=person.account_id, sealed=offer.sealed, code=now(offer.key, 7), name="x")
        assert not TotpDevice.objects.exists()
    assert offer.picture.startswith("data:image/svg+xml;base64,")


def test_M5_recovery_codes_are_ten_digested_and_good_once() -> None:
    person = make_account()
    with scope.account(person.account_id):
        older = recovery_codes.generate(account_id=person.account_id)
        codes = recovery_codes.generate(account_id=person.account_id)
        assert len(set(codes)) == 10
        assert all(codes[0].replace("-", "") not in row.digest for row in RecoveryCode.objects.all())
        recovery_codes.use(account_id=person.account_id, code=codes[0].upper())
        for dead in (codes[0], older[1], "", "x" * 500):
            with pytest.raises(WrongFactor):
                recovery_codes.use(account_id=person.account_id, code=dead)
        assert authenticators.held(person.account_id).codes_left == 9
    assert any("recovery code" in mail["subject"] for mail in mails_to(person.email))


def test_M5_one_persons_recovery_code_is_nobody_elses() -> None:
    person, other = make_account(), make_account()
    with scope.account(person.account_id):
        codes = recovery_codes.generate(account_id=person.account_id)
    with scope.account(other.account_id), pytest.raises(WrongFactor):
        recovery_codes.use(account_id=other.account_id, code=codes[0])
