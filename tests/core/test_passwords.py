"""Password hashing and policy (AUT-03; threats L1, L2, P2)."""

from __future__ import annotations

import secrets
import threading
import time
from typing import Any

import pytest
from django.contrib.auth.hashers import check_password, identify_hasher, make_password
from django.test import override_settings

from core import passwords
from core.passwords import HasherBusy, PasswordRules, check_password_policy, hashing

REAL = override_settings(PASSWORD_HASHERS=["core.passwords.Argon2idHasher"])
FAST = override_settings(PASSWORD_HASHERS=["core.passwords.FastArgon2idHasher"])
ALICE = ("alice.keyes@acme.example", "Alice Keyes", "Acme")
BOB = ("bob@globex.example", "Bob", "Globex")


def codes(password: str, **kwargs: Any) -> set[str]:
    return {finding.code for finding in check_password_policy(password, **kwargs)}


@REAL
def test_hash_is_argon2id_with_the_chosen_cost() -> None:
    stored = make_password("correct horse battery")
    assert stored.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert check_password("correct horse battery", stored)
    assert not check_password("correct horse batterY", stored)
    assert not identify_hasher(stored).must_update(stored)


def test_cheaper_hash_is_made_anew_at_the_next_sign_in() -> None:
    with FAST:
        stored = make_password("correct horse battery")
    with REAL:
        renewed: list[str] = []
        assert check_password("correct horse battery", stored, renewed.append)
    assert renewed == ["correct horse battery"]


@FAST
def test_one_password_typed_on_two_keyboards_is_one() -> None:
    stored = make_password("caf\u00e9 \ufb01ne pass phrase")
    assert check_password("cafe\u0301 fine pass phrase", stored)
    assert not check_password("cafe fine pass phrase", stored)


@FAST
def test_P2_endless_password_costs_no_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = make_password("correct horse battery")
    monkeypatch.setattr(hashing.gate, "place", lambda: pytest.fail("hashed"))
    for text in ("x" * 257, "x" * 10_000_000, "\ufdfa" * 250):
        assert not check_password(text, stored)
        passwords.burn(text)
        with pytest.raises(ValueError, match="at most 256"):
            make_password(text)


@FAST
def test_256_characters_are_accepted() -> None:
    text = "".join(secrets.choice("abcdefgh ij") for _ in range(256))
    assert check_password(text, make_password(text))
    assert codes(text) == set()


@pytest.fixture
def one_place(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(hashing, "gate", hashing._Gate())
    with override_settings(PASSWORD_HASH_PLACES=1, PASSWORD_HASH_WAIT=0.05):
        yield hashing.gate


@FAST
def test_no_more_hashes_run_at_once_than_there_are_places(one_place: Any) -> None:
    with one_place.place():
        started = time.monotonic()
        with pytest.raises(HasherBusy):
            passwords.burn("correct horse battery")
        with pytest.raises(HasherBusy):
            make_password("correct horse battery")
        assert time.monotonic() - started < 1
    passwords.burn("correct horse battery")


@FAST
def test_a_waiting_caller_gets_the_place_that_comes_free(one_place: Any) -> None:
    with override_settings(PASSWORD_HASH_WAIT=5.0), one_place.place():
        done = threading.Event()

        def sign_in() -> None:
            passwords.burn("x" * 20)
            done.set()

        waiting = threading.Thread(target=sign_in)
        waiting.start()
        assert not done.wait(0.05)
    assert done.wait(5)
    waiting.join()


def test_P3_production_refuses_the_hasher_of_test_runs() -> None:
    from config.checks import production_is_safe

    for chosen, refused in ((FAST, True), (REAL, False)):
        with chosen:
            assert ("config.E107" in {error.id for error in production_is_safe()}) is refused


@REAL
def test_L2_burn_takes_the_time_of_a_verification() -> None:
    stored = make_password("correct horse battery")
    best: dict[str, float] = {}
    for _ in range(8):
        for name, act in (
            ("verify", lambda: check_password("wrong", stored)),
            ("burn", lambda: passwords.burn("wrong")),
        ):
            started = time.perf_counter()
            act()
            best[name] = min(best.get(name, 9.0), time.perf_counter() - started)
    assert 0.5 < best["burn"] / best["verify"] < 2


def test_length_by_factor() -> None:
    assert codes("gk7 wovd") == {"too_short"}
    assert codes("gk7 wovd", sole_factor=False) == set()
    assert codes("gk7 wov", sole_factor=False) == {"too_short"}
    assert codes("gk7 wovd plx2 q") == set()
    assert codes("x" * 257) == {"too_long"}


def test_default_asks_for_no_classes() -> None:
    assert codes("wrong horse battery staple") == set()


def test_preset_adds_length_and_classes_and_never_takes_away() -> None:
    rules = PasswordRules.preset("twelve_four_classes")
    assert codes("gk7 wovd plx", sole_factor=False, tenant_rules=rules) == {"too_few_classes"}
    assert codes("gK7 wovd", sole_factor=False, tenant_rules=rules) == {"too_short"}
    assert codes("gK7 wovd plx", sole_factor=False, tenant_rules=rules) == set()
    assert codes("gK7 wovd plx", tenant_rules=rules) == {"too_short"}
    assert codes("gk7 wovd plx2 q", tenant_rules=PasswordRules(min_length=4)) == set()
    with pytest.raises(KeyError):
        PasswordRules.preset("none")


@pytest.mark.parametrize("text", ["aaaaaaaaaaaaaaaa", "abcabcabcabcabcabc", "AbabABabababABAb"])
def test_repeated_pieces_are_refused(text: str) -> None:
    assert "repetitive" in codes(text)


@pytest.mark.parametrize("text", ["Alice.Keyes@acme", "acmeACMEacmeacme1", "keyesalice-acme12"])
def test_own_names_are_refused_and_a_strangers_are_not(text: str) -> None:
    assert "contains_context" in codes(text, context_words=ALICE)
    assert "contains_context" not in codes(text, context_words=BOB)


def test_a_long_phrase_may_mention_a_name() -> None:
    assert codes("acme sells seven wooden ducks", context_words=ALICE) == set()


@pytest.mark.parametrize(
    "text",
    ["password", "P@ssw0rd123", "qwertyuiopasdfg", "passwordpassword", "1234567890123456",
    "Password1234567"[:12],
     "iloveyou2025!", "1qaz2wsx3edc4rfv", "letmeinletmein", "dragonmonkey", "Welcome2026"],
)  # fmt: skip
def test_L1_known_passwords_are_refused(text: str) -> None:
    assert "breached" in codes(text, sole_factor=False)


def test_the_list_rarely_names_a_random_password() -> None:
    named = sum(passwords.is_breached(secrets.token_urlsafe(12)) for _ in range(5000))
    assert named < 25


def test_every_frequent_password_is_on_the_list() -> None:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    common = [word for word in FREQUENCY_LISTS["passwords"] if len(word) >= 8]
    assert len(common) > 5000
    assert all(passwords.is_breached(word) for word in common)


def test_damaged_list_is_an_error_and_not_an_open_door() -> None:
    from core.passwords.breached import FILE, BloomFilter

    data = FILE.read_bytes()
    assert len(data) <= 300 * 1024
    for broken in (b"", b"CLVB1", data[:-1], b"X" + data):
        with pytest.raises(ValueError, match="filter"):
            BloomFilter.load(broken)
    assert BloomFilter.load(data).dump() == data


def test_strength_is_advice_with_a_bounded_cost() -> None:
    assert passwords.strength("") == passwords.Strength(0)
    assert passwords.strength("password").score == 0
    assert passwords.strength("gk7 wovd plx2 quarry").score >= 3
    started = time.monotonic()
    passwords.strength("a1!" * 85)
    assert time.monotonic() - started < 2


def test_findings_are_sentences() -> None:
    for finding in check_password_policy(
        "aaa", tenant_rules=PasswordRules(classes=4), context_words=["aaaa"]
    ):
        assert str(finding.message).endswith(".")
