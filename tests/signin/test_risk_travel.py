"""ANC-23: a sign-in from where nobody could have got to since the last one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from core import scope
from identity import places, sessions
from identity.models import IdentitySession, KnownDevice
from identity.places import Place, is_impossible, kilometres
from tests.factories import Browser, Cast, make_cast
from tests.factories import places as database
from tests.factories.hosted import mails_to, sign_in
from tests.factories.places import LONDON, PARIS, SYDNEY
from tests.factories.policies import change_policy
from tests.signin.test_risk import signals

AT_LONDON, AT_PARIS, AT_SYDNEY = Place(51.5, -0.1), Place(48.9, 2.4), Place(-33.9, 151.2)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def mapped(tmp_path: Path):
    with override_settings(GEOIP_DATABASE=database.write(tmp_path / "towns.mmdb")):
        yield


def test_distances_are_those_of_the_globe() -> None:
    assert 330 < kilometres(AT_LONDON, AT_PARIS) < 350
    assert 16_900 < kilometres(AT_LONDON, AT_SYDNEY) < 17_100
    assert kilometres(Place(0, 179.9), Place(0, -179.9)) < 25
    assert kilometres(Place(51.5, -0.1, radius=200), Place(48.9, 2.4, radius=200)) == 0


def test_faster_than_an_airliner_is_impossible_and_slower_is_not() -> None:
    assert is_impossible(AT_LONDON, NOON, AT_SYDNEY, NOON + timedelta(hours=10))
    assert not is_impossible(AT_LONDON, NOON, AT_SYDNEY, NOON + timedelta(hours=22))
    assert not is_impossible(AT_LONDON, NOON, AT_PARIS, NOON + timedelta(hours=1))
    assert is_impossible(AT_LONDON, NOON, AT_PARIS, NOON + timedelta(minutes=10))


def test_towns_nearby_are_never_too_far() -> None:
    assert not is_impossible(AT_LONDON, NOON, Place(51.9, 0.5), NOON)


degrees = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@given(degrees, degrees)
def test_distance_is_symmetric_and_never_more_than_half_the_globe(one: tuple, other: tuple) -> None:
    there, back = kilometres(Place(*one), Place(*other)), kilometres(Place(*other), Place(*one))
    assert abs(there - back) < 1e-6
    assert 0 <= there <= 20_016


def test_without_a_database_nothing_is_known_and_nothing_raised(cast: Cast) -> None:
    assert not places.is_available()
    assert places.find(LONDON) is None
    change_policy(cast.acme, risk_impossible_travel="block")
    for ip in (LONDON, SYDNEY):
        assert sign_in(Browser(REMOTE_ADDR=ip), cast.acme, cast.member.email).status_code == 303


def test_a_broken_database_stops_nobody(cast: Cast, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mmdb"
    broken.write_bytes(b"not a database")
    with override_settings(GEOIP_DATABASE=str(broken)):
        assert not places.is_available()
        assert sign_in(Browser(REMOTE_ADDR=LONDON), cast.acme, cast.member.email).status_code == 303


def test_a_place_is_named_in_the_persons_language(mapped: None) -> None:
    assert places.find(LONDON).name == "London, United Kingdom"
    assert places.find(LONDON, "de").name == "London, United Kingdom (de)"
    assert places.find("10.0.0.1") is None
    assert places.find("2001:db8::1") is None


def at(ip: str, cast: Cast) -> tuple[Browser, int]:
    browser = Browser(REMOTE_ADDR=ip)
    return browser, sign_in(browser, cast.acme, cast.member.email).status_code


def test_too_far_too_soon_is_asked_for_a_further_proof(cast: Cast, mapped: None) -> None:
    change_policy(cast.acme, risk_new_device="off")
    at(LONDON, cast)
    browser = Browser(REMOTE_ADDR=SYDNEY)
    page = browser.follow(sign_in(browser, cast.acme, cast.member.email))
    assert "/sign-in/confirm" in page.requested_path
    assert "Sydney, Australia" in mails_to(cast.member.email)[0]["text"]
    assert signals(cast.acme, cast.member) == [("impossible_travel", "step_up")]


def test_far_but_late_is_an_ordinary_journey(cast: Cast, mapped: None) -> None:
    change_policy(cast.acme, risk_new_device="off", risk_impossible_travel="block")
    with time_machine.travel(datetime.now(UTC) - timedelta(days=2)):
        at(LONDON, cast)
    assert at(SYDNEY, cast)[1] == 303


def test_the_same_device_in_a_far_place_too_soon_is_blocked(cast: Cast, mapped: None) -> None:
    """A copied cookie makes a device known, not its place."""
    change_policy(cast.acme, risk_impossible_travel="block")
    browser, _ = at(LONDON, cast)
    del browser.cookies["session"]
    browser.defaults["REMOTE_ADDR"] = SYDNEY
    assert sign_in(browser, cast.acme, cast.member.email).status_code == 400
    assert mails_to(cast.member.email)[0]["subject"] == "A sign-in to your account was stopped"
    browser.defaults["REMOTE_ADDR"] = LONDON
    assert sign_in(browser, cast.acme, cast.member.email).status_code == 303


def test_a_blocked_try_does_not_move_the_last_place(cast: Cast, mapped: None) -> None:
    change_policy(cast.acme, risk_impossible_travel="block")
    at(LONDON, cast)
    assert at(SYDNEY, cast)[1] == 400
    with scope.account(cast.member.account_id):
        assert [round(row.latitude) for row in KnownDevice.objects.all()] == [52]


def test_notice_only_and_off(cast: Cast, mapped: None) -> None:
    change_policy(cast.acme, risk_new_device="off", risk_impossible_travel="notify")
    at(LONDON, cast)
    assert at(SYDNEY, cast)[1] == 303
    assert signals(cast.acme, cast.member) == [("impossible_travel", "notify")]
    change_policy(cast.acme, risk_impossible_travel="off")
    assert at(PARIS, cast)[1] == 303
    assert len(signals(cast.acme, cast.member)) == 1


def test_SES04_each_sign_in_is_listed_with_its_device_its_place_and_when_it_was_used(
    cast: Cast, mapped: None
) -> None:
    browser = Browser(REMOTE_ADDR=LONDON, HTTP_USER_AGENT="Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0")
    browser.follow(sign_in(browser, None, cast.member.email))
    with scope.account(cast.member.account_id):
        sessions.open_session(account_id=cast.member.account_id, amr=["pwd"])
        IdentitySession.objects.filter(ip=None).update(ip=PARIS)
    shown = browser.get("/account/sessions").content.decode()
    assert "London" in shown and "Paris" in shown and "Firefox" in shown
    assert "Last used" in shown
    other = Browser(REMOTE_ADDR=LONDON)
    other.follow(sign_in(other, None, cast.stranger.email))
    assert "Paris" not in other.get("/account/sessions").content.decode()
