"""Sessions of one member: listed and ended one by one, by API and in the dashboard (SES-04, SES-05)."""

from __future__ import annotations

import pytest

from tests.factories import Browser, Cast, access_token, make_cast, make_member
from tests.factories.people import open_session
from tests.tenants.test_admin_pages import at_work, send, url


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


@pytest.fixture(scope="module")
def admin(cast: Cast) -> str:
    return access_token(make_member(cast.acme, roles=["admin"]))


def call(cast: Cast, method: str, path: str, token: str):
    return Browser().api(method, f"/t/{cast.acme.slug}/v1/members/{path}", token)


def listed(cast: Cast, person, token: str) -> list[dict]:
    answer = call(cast, "GET", f"{person.subject}/sessions", token)
    assert answer.status_code == 200, answer.content
    return answer.json()["data"]


def test_lists_a_members_live_sessions(cast: Cast, admin: str):
    person = make_member(cast.acme)
    opened = [open_session(person).public_id for _ in range(2)]
    open_session(make_member(cast.acme))
    shown = listed(cast, person, admin)
    assert [one["id"] for one in shown] == opened[::-1]
    assert {one["member"] for one in shown} == {person.subject}
    assert shown[0]["amr"] == ["pwd"]
    assert shown[0]["organization_id"] is None


def test_ends_one_session_and_its_tokens(cast: Cast, admin: str):
    person = make_member(cast.acme, roles=["viewer"])
    token, other = access_token(person), access_token(person)
    ended, kept = listed(cast, person, admin)[::-1]
    assert call(cast, "DELETE", f"{person.subject}/sessions/{ended['id']}", admin).status_code == 204
    assert [one["id"] for one in listed(cast, person, admin)] == [kept["id"]]
    assert Browser().api("GET", f"/t/{cast.acme.slug}/v1/me", token).status_code == 401
    assert Browser().api("GET", f"/t/{cast.acme.slug}/v1/me", other).status_code == 200
    assert call(cast, "DELETE", f"{person.subject}/sessions/{ended['id']}", admin).status_code == 404


def test_A1_sessions_of_others_are_not_found(cast: Cast, admin: str):
    person, another = make_member(cast.acme), make_member(cast.acme)
    theirs = open_session(another).public_id
    foreign = open_session(cast.other_member).public_id
    for session in (theirs, foreign, "sess_x", "nonsense"):
        assert call(cast, "DELETE", f"{person.subject}/sessions/{session}", admin).status_code == 404
    assert call(cast, "GET", f"{cast.other_member.subject}/sessions", admin).status_code == 404
    assert [one["id"] for one in listed(cast, another, admin)] == [theirs]


def test_A6_reading_does_not_let_one_end(cast: Cast):
    person = make_member(cast.acme)
    session = open_session(person).public_id
    viewer = access_token(make_member(cast.acme, roles=["viewer"]))
    assert listed(cast, person, viewer)
    assert call(cast, "DELETE", f"{person.subject}/sessions/{session}", viewer).status_code == 403
    stranger = access_token(make_member(cast.acme))
    assert call(cast, "GET", f"{person.subject}/sessions", stranger).status_code == 403


def test_the_dashboard_ends_one_session(cast: Cast, admin: str):
    browser = at_work(make_member(cast.acme, roles=["admin"]))
    person = make_member(cast.acme)
    first, second = open_session(person).public_id, open_session(person).public_id
    page = f"members/{person.subject}/sessions"
    assert send(browser, cast, page, f"{page}/{first}/end").status_code in (302, 303)
    assert [one["id"] for one in listed(cast, person, admin)] == [second]
    assert "The session has ended" in browser.get(url(cast, page)).content.decode()
    assert send(browser, cast, page, f"{page}/nonsense/end").status_code == 404
