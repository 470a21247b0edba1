"""Silent renewal: what a person does on an open page counts, what the page does by itself does not (SES-03)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from core import scope
from identity import selectors, sessions
from tests.dashboard.test_frame import signed_in
from tests.factories import Browser, Cast, make_cast
from tests.factories.browser import csrf_of

ADDRESS = "/account/session"


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


def later(minutes: int) -> Any:
    return time_machine.travel(timezone.now() + timedelta(minutes=minutes))


def renew(browser: Browser, token: str, idle: object) -> Any:
    return browser.post(ADDRESS, {"idle": idle}, headers={"X-CSRFToken": token})


def test_SES03_an_attended_page_outlives_the_idle_limit(cast: Cast) -> None:
    browser = signed_in(cast.member)
    token = csrf_of(browser.get("/account/"))
    with later(50):
        assert 3500 < renew(browser, token, 5).json()["ends_in"] <= 3600
    with later(100):
        assert browser.get("/account/").status_code == 200


def test_SES03_an_unattended_page_times_out_however_often_it_asks(cast: Cast) -> None:
    browser = signed_in(cast.member)
    token = csrf_of(browser.get("/account/"))
    for minutes in (20, 40, 59):
        with later(minutes):
            assert browser.get(ADDRESS).json()["ends_in"] <= (60 - minutes) * 60
            assert renew(browser, token, minutes * 60 + 30).status_code == 200
            assert browser.get("/account/", headers={"Background-Request": "1"}).status_code == 200
    with later(61):
        assert browser.get(ADDRESS).status_code == 401
        assert renew(browser, token, 0).status_code == 401
        assert browser.get("/account/").headers["Location"].startswith("/sign-in")


def test_SES03_nothing_outlives_the_absolute_limit(cast: Cast) -> None:
    browser = signed_in(cast.member)
    token = csrf_of(browser.get("/account/"))
    for minutes in range(50, 24 * 60, 50):
        with later(minutes):
            assert renew(browser, token, 0).status_code == 200
    with later(24 * 60 + 1):
        assert browser.get(ADDRESS).status_code == 401


def test_SES03_a_revoked_session_is_told_so(cast: Cast) -> None:
    browser = signed_in(cast.stranger)
    with scope.account(cast.stranger.account_id):
        live = list(selectors.live_sessions(cast.stranger.account_id).values_list("id", flat=True))
        sessions.end(account_id=cast.stranger.account_id, session_ids=live, reason="test")
    assert browser.get(ADDRESS).status_code == 401
    assert Browser().get(ADDRESS).status_code == 401


@pytest.mark.parametrize("idle", ["-5", "soon", "", "9" * 40, "٣"])
def test_what_is_no_number_of_seconds_changes_nothing(cast: Cast, idle: str) -> None:
    browser = signed_in(cast.member)
    token = csrf_of(browser.get("/account/"))
    with later(30):
        assert renew(browser, token, idle).json()["ends_in"] <= 1800


def test_B1_a_renewal_wants_the_pages_token(cast: Cast) -> None:
    assert signed_in(cast.member).post(ADDRESS, {"idle": 0}).status_code == 403


def test_SES03_sign_in_says_why_and_leads_back(cast: Cast) -> None:
    page = Browser().get("/sign-in?next=/account/sessions&notice=session_ended").content.decode()
    assert "go on where you were" in page


def test_a_tenants_address_has_no_renewal(cast: Cast) -> None:
    assert signed_in(cast.member).get(f"/t/{cast.acme.slug}{ADDRESS}").status_code == 404


def test_dashboard_and_portal_carry_the_watch(cast: Cast) -> None:
    browser = signed_in(cast.owner)
    for page in ("/account/", f"/dashboard/{cast.acme.slug}/", f"/dashboard/{cast.globex.slug}/"):
        answer = browser.get(page)
        assert ('data-session="/account/session"' in answer.content.decode()) == (answer.status_code == 200)
