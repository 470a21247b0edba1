"""Sealing at rest: context binding, rotation, tenant data keys (threats T5, V1)."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from core import crypto
from core.crypto import SealError, TenantSealer

ALICE, BOB, STRANGER = "tenant-a", "tenant-b", "tenant-x"
PLACE = (ALICE, "signing_key", "private", "key-1")
OLD, NEW = ("old", b"o" * 32), ("new", b"n" * 32)


def test_sealed_value_opens_in_its_place() -> None:
    blob = crypto.seal(b"private", PLACE)
    assert crypto.open_sealed(blob, PLACE) == b"private"
    assert crypto.open_sealed(memoryview(blob), PLACE) == b"private"
    assert b"private" not in blob
    assert blob != crypto.seal(b"private", PLACE)


@pytest.mark.parametrize(
    "place",
    [
        (BOB, "signing_key", "private", "key-1"),
        (STRANGER, "signing_key", "private", "key-1"),
        (ALICE, "signing_key", "private", "key-2"),
        (ALICE, "signing_key", "other", "key-1"),
        (ALICE, "signing_keyprivate", "", "key-1"),
        (ALICE, "signing_key", "private"),
    ],
)
def test_T5_moved_ciphertext_fails(place: tuple[str, ...]) -> None:
    blob = crypto.seal(b"private", PLACE)
    with pytest.raises(SealError):
        crypto.open_sealed(blob, place)


def test_T5_any_changed_byte_fails() -> None:
    blob = crypto.seal(b"private", PLACE)
    for place in range(len(blob)):
        with pytest.raises(SealError):
            crypto.open_sealed(blob[:place] + bytes([blob[place] ^ 1]) + blob[place + 1 :], PLACE)


@pytest.mark.parametrize("blob", [b"", b"\x01", b"\x01\xff", b"\x01\x02k1" + b"0" * 27, b"plain text"])
def test_T5_rubbish_fails(blob: bytes) -> None:
    with pytest.raises(SealError):
        crypto.open_sealed(blob, PLACE)


def test_json_goes_in_and_out() -> None:
    value = {"seed": "é", "digits": 6}
    assert crypto.open_sealed_json(crypto.seal_json(value, PLACE), PLACE) == value
    with pytest.raises(SealError):
        crypto.open_sealed_json(crypto.seal_json(value, PLACE), (BOB,))


def test_rotation_reseals_and_the_old_key_can_go() -> None:
    with override_settings(SECRET_KEYS=[OLD]):
        blob = crypto.seal(b"private", PLACE)
    with override_settings(SECRET_KEYS=[NEW, OLD]):
        assert crypto.needs_reseal(blob)
        fresh = crypto.reseal(blob, PLACE)
        assert crypto.reseal(fresh, PLACE) == fresh
        with pytest.raises(SealError):
            crypto.reseal(blob, (BOB,))
    with override_settings(SECRET_KEYS=[NEW]):
        assert crypto.open_sealed(fresh, PLACE) == b"private"
        with pytest.raises(SealError):
            crypto.open_sealed(blob, PLACE)


def test_same_id_with_another_key_fails() -> None:
    with override_settings(SECRET_KEYS=[("k", b"1" * 32)]):
        blob = crypto.seal(b"private", PLACE)
    with override_settings(SECRET_KEYS=[("k", b"2" * 32)]), pytest.raises(SealError):
        crypto.open_sealed(blob, PLACE)


def test_tenant_sealer_opens_its_own_values() -> None:
    sealer = TenantSealer(crypto.new_data_key(ALICE), ALICE)
    blob = sealer.seal(b"v", ("totp", "seed", "1"))
    assert sealer.open(blob, ("totp", "seed", "1")) == b"v"
    assert sealer.open_json(sealer.seal_json([1], ("t", "c", "r")), ("t", "c", "r")) == [1]


def test_T5_one_tenants_key_and_values_are_useless_to_another() -> None:
    alice_key, bob_key = crypto.new_data_key(ALICE), crypto.new_data_key(BOB)
    blob = TenantSealer(alice_key, ALICE).seal(b"v", ("totp", "seed", "1"))
    with pytest.raises(SealError):
        TenantSealer(bob_key, BOB).open(blob, ("totp", "seed", "1"))
    with pytest.raises(SealError):
        TenantSealer(alice_key, STRANGER)
    with pytest.raises(SealError):
        crypto.open_sealed(blob, (ALICE, "totp", "seed", "1"))


def test_data_key_survives_platform_rotation_and_itself_rotates() -> None:
    place = ("totp", "seed", "1")
    with override_settings(SECRET_KEYS=[OLD]):
        first = crypto.new_data_key(ALICE)
        blob = TenantSealer(first, ALICE).seal(b"v", place)
    with override_settings(SECRET_KEYS=[NEW, OLD]):
        first = crypto.reseal_data_key(first, ALICE)
    with override_settings(SECRET_KEYS=[NEW]):
        second = crypto.new_data_key(ALICE)
        sealer = TenantSealer(second, ALICE, previous=[first])
        fresh = sealer.reseal(blob, place)
        assert fresh != blob
        assert sealer.reseal(fresh, place) == fresh
        assert TenantSealer(second, ALICE).open(fresh, place) == b"v"


def test_context_must_name_a_place() -> None:
    with pytest.raises(TypeError):
        crypto.seal(b"v", ())
    with pytest.raises(TypeError):
        crypto.seal(b"v", "tenant")


@pytest.mark.parametrize("keys", [[], [("k", b"short")]])
def test_missing_or_weak_key_fails_closed(keys: list[tuple[str, bytes]]) -> None:
    with override_settings(SECRET_KEYS=keys), pytest.raises(ImproperlyConfigured):
        crypto.seal(b"v", PLACE)
