"""Settings come from the environment and fail at start, naming the variable and never its value."""

from __future__ import annotations

import base64

import pytest

from config import env

KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()


@pytest.fixture(autouse=True)
def _unset(monkeypatch):
    for name in ("THING", "THING_FILE"):
        monkeypatch.delenv(name, raising=False)


def test_a_missing_variable_is_named():
    with pytest.raises(env.BadEnvironment, match="THING is not set"):
        env.text("THING")


def test_an_empty_variable_counts_as_unset(monkeypatch):
    monkeypatch.setenv("THING", "")
    assert env.text("THING", "default") == "default"


def test_a_secret_is_read_from_its_file(monkeypatch, tmp_path):
    (tmp_path / "secret").write_text("s3cret\n")
    monkeypatch.setenv("THING_FILE", str(tmp_path / "secret"))
    assert env.text("THING") == "s3cret"


def test_a_file_that_is_missing_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("THING_FILE", str(tmp_path / "nothing"))
    with pytest.raises(env.BadEnvironment, match="THING_FILE"):
        env.text("THING", "default")


def test_a_variable_and_its_file_together_are_refused(monkeypatch, tmp_path):
    (tmp_path / "secret").write_text("one")
    monkeypatch.setenv("THING_FILE", str(tmp_path / "secret"))
    monkeypatch.setenv("THING", "two")
    with pytest.raises(env.BadEnvironment, match="both set"):
        env.text("THING")


@pytest.mark.parametrize(("text", "value"), [("on", True), ("YES", True), ("0", False), ("off", False)])
def test_a_switch_has_a_few_spellings(monkeypatch, text, value):
    monkeypatch.setenv("THING", text)
    assert env.bool("THING") is value


@pytest.mark.parametrize("read", [env.bool, env.int, env.url])
def test_a_malformed_value_is_refused_without_being_shown(monkeypatch, read):
    monkeypatch.setenv("THING", "hunter2")
    with pytest.raises(env.BadEnvironment, match="THING") as refused:
        read("THING")
    assert "hunter2" not in str(refused.value)


def test_a_number_below_its_least_is_refused(monkeypatch):
    monkeypatch.setenv("THING", "-1")
    with pytest.raises(env.BadEnvironment, match="at least 0"):
        env.int("THING", least=0)
    assert env.int("THING") == -1


def test_a_list_drops_blanks(monkeypatch):
    monkeypatch.setenv("THING", " a, ,b,")
    assert env.list("THING") == ["a", "b"]
    assert env.list("OTHER_THING", []) == []


def test_a_choice_outside_its_words_is_refused(monkeypatch):
    monkeypatch.setenv("THING", "prod")
    with pytest.raises(env.BadEnvironment, match="development, production"):
        env.choice("THING", ["development", "production"])


def test_an_origin_needs_a_host_and_one_of_the_schemes(monkeypatch):
    monkeypatch.setenv("THING", "https://id.example.com/")
    assert env.url("THING", schemes=["https"]) == "https://id.example.com"
    for wrong in ("https://", "id.example.com", "ftp://id.example.com"):
        monkeypatch.setenv("THING", wrong)
        with pytest.raises(env.BadEnvironment):
            env.url("THING", schemes=["https"])


def test_a_socket_url_needs_no_host(monkeypatch):
    monkeypatch.setenv("THING", "postgresql://app:pw@/claviger?host=/run/pg")
    assert env.url("THING", schemes=["postgresql"]).endswith("/run/pg")


def test_a_keyring_keeps_its_order(monkeypatch):
    monkeypatch.setenv("THING", f"new:{KEY},old:{KEY.rstrip('=')}")
    assert list(env.keyring("THING")) == ["new", "old"]
    assert env.keyring("THING")["old"] == bytes(range(32))


@pytest.mark.parametrize("value", ["", KEY, f"a:{KEY},a:{KEY}", "a:short", "a:*" + KEY[2:], f":{KEY}"])
def test_P3_a_malformed_or_short_key_stops_the_start(monkeypatch, value):
    monkeypatch.setenv("THING", value)
    with pytest.raises(env.BadEnvironment, match="THING"):
        env.keyring("THING")


def test_networks_are_addresses_or_networks(monkeypatch):
    monkeypatch.setenv("THING", "10.0.0.0/8, ::1")
    assert env.networks("THING") == ["10.0.0.0/8", "::1"]
    for wrong in ("10.0.0.1/8", "proxy", "10.0.0.0/8,300.1.1.1"):
        monkeypatch.setenv("THING", wrong)
        with pytest.raises(env.BadEnvironment, match="addresses or networks"):
            env.networks("THING")
