"""Machine secrets: key format (C5), digests and peppers (threats T5, K1)."""

from __future__ import annotations

import re
from functools import reduce

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from core import secrets

ALICE_TENANT, BOB_TENANT = "tenant-a", "tenant-b"


def test_key_has_the_published_form() -> None:
    key = secrets.generate_key("sk_live_")
    assert re.fullmatch(secrets.KEY_PATTERN, key.text)
    assert len(key.text) == len("sk_live_") + 61
    assert secrets.parse_key(key.text) == key
    assert (key.mode, len(key.public_id), len(key.secret)) == ("live", 12, 43)


@pytest.mark.parametrize(
    ("prefix", "mode"), [("sk_live_", "live"), ("sk_test_", "test"), ("sk_ws_", None), ("sfk_prod_", None)]
)
def test_prefix_tells_the_mode(prefix: str, mode: str | None) -> None:
    assert secrets.parse_key(secrets.generate_key(prefix).text).mode == mode


@pytest.mark.parametrize("prefix", ["", "sk", "SK_live_", "sk_live", "sk__", "sk_live_x", "a_b_", "é_live_"])
def test_odd_prefixes_are_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="prefix"):
        secrets.generate_key(prefix)


def test_K1_any_single_changed_character_fails_the_checksum() -> None:
    text = secrets.generate_key("sk_test_").text
    for place in range(len("sk_test_"), len(text)):
        changed = text[:place] + ("a" if text[place] != "a" else "b") + text[place + 1 :]
        with pytest.raises(ValueError, match="not a key"):
            secrets.parse_key(changed)


def test_K1_test_key_cannot_be_relabelled_live() -> None:
    with pytest.raises(ValueError, match="not a key"):
        secrets.parse_key(secrets.generate_key("sk_test_").text.replace("sk_test_", "sk_live_"))


@pytest.mark.parametrize(
    "text", ["", "sk_live_", "x" * 10_000, "sk_live_" + "é" * 61, "sk_live_" + "0" * 61 + "\n"]
)
def test_K1_rubbish_is_no_key(text: str) -> None:
    with pytest.raises(ValueError, match="not a key"):
        secrets.parse_key(text)


def test_secret_is_not_in_the_repr() -> None:
    key = secrets.generate_key("sk_live_")
    assert key.secret not in repr(key)


def test_generated_secrets_have_fixed_width_and_checksum() -> None:
    made = {secrets.generate("rt_") for _ in range(50)}
    assert len(made) == 50
    assert {len(text) for text in made} == {3 + 43 + 6}
    assert all(secrets.has_valid_checksum(text) for text in made)
    assert not secrets.has_valid_checksum("é" * 20)


def test_new_token_carries_256_bits() -> None:
    token = secrets.new_token("c_")
    assert token.startswith("c_")
    assert len(token) == 2 + 43
    assert token != secrets.new_token("c_")


@given(st.binary(max_size=40))
def test_base62_is_the_number_in_a_width_that_depends_on_the_length_only(data: bytes) -> None:
    text = secrets.base62(data)
    assert len(text) == secrets.base62_width(len(data))
    assert reduce(lambda sum_, digit: sum_ * 62 + secrets.ALPHABET.index(digit), text, 0) == int.from_bytes(
        data
    )


def test_T5_digest_matches_only_secret_and_purpose() -> None:
    stored = secrets.digest("s3cret", "api_key")
    assert secrets.matches("s3cret", stored, "api_key")
    assert secrets.matches(b"s3cret", stored, "api_key")
    assert not secrets.matches("other", stored, "api_key")
    assert not secrets.matches("s3cret", stored, "refresh_token")
    assert "s3cret" not in stored


@pytest.mark.parametrize("stored", ["", "$", "p1$", "unknown$00", "plain", "é$é"])
def test_T5_broken_digest_never_matches(stored: str) -> None:
    assert not secrets.matches("", stored, "api_key")


def test_digests_outlive_a_new_pepper() -> None:
    old, new = ("old", b"o" * 32), ("new", b"n" * 32)
    with override_settings(PEPPERS=[old]):
        stored = secrets.digest("s", "code")
        looked_up = secrets.fingerprint("s", "code")
    with override_settings(PEPPERS=[new, old]):
        assert secrets.matches("s", stored, "code")
        assert secrets.fingerprints("s", "code")[1] == looked_up
        assert secrets.fingerprint("s", "code") == secrets.fingerprints("s", "code")[0] != looked_up
    with override_settings(PEPPERS=[new]):
        assert not secrets.matches("s", stored, "code")


def test_fingerprint_and_digest_of_one_value_differ() -> None:
    assert secrets.fingerprint("a@b.example", "email") == secrets.fingerprint("a@b.example", "email")
    assert secrets.fingerprint("a@b.example", "email") != secrets.digest("a@b.example", "email")


def test_two_tenants_and_a_stranger_share_no_fingerprint() -> None:
    made = {secrets.fingerprint("same", f"{who}:code") for who in (ALICE_TENANT, BOB_TENANT, "stranger")}
    assert len(made) == 3


@override_settings(PEPPERS=[])
def test_missing_pepper_fails_closed() -> None:
    with pytest.raises(ImproperlyConfigured):
        secrets.digest("s", "code")
