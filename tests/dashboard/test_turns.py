"""What administrators do to one object at the same moment, on pages and by API, is done and told once."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from core import scope
from events.models import Event
from tests.api.test_idempotency import together
from tests.factories import Cast, access_token, make_cast, make_member, make_organization
from tests.factories.browser import Browser, csrf_of
from tests.factories.hosted import at_home
from tests.oauth.helpers import register


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


def told(cast: Cast, object_id: str) -> Counter[str]:
    with scope.tenant(cast.acme.id):
        return Counter(Event.objects.filter(object_id=object_id).values_list("type", flat=True))


def press(browser: Browser, path: str, number: int = 6, **fields: Any) -> list[int]:
    """Post one form several times at once, as a double click or two administrators do."""
    page = browser.get(path.rpartition("/")[0])
    body = {"csrfmiddlewaretoken": csrf_of(page), **fields}
    return [answer.status_code for answer in together(number, lambda _: copy_of(browser).post(path, body))]


def copy_of(browser: Browser) -> Browser:
    twin = Browser()
    twin.cookies = browser.cookies.copy()
    return twin


def test_S6_a_member_is_suspended_and_reactivated_once(cast: Cast) -> None:
    subject = make_member(cast.acme).subject
    browser, base = at_home(cast.owner), f"/dashboard/{cast.acme.slug}/members/{subject}"
    assert set(press(browser, f"{base}/suspension", reason="x")) == {303}
    assert set(press(browser, f"{base}/suspension", lift="1")) == {303}
    counted = told(cast, subject)
    assert (counted["user.suspended"], counted["user.reactivated"]) == (1, 1)


def test_S6_an_application_is_deleted_once(cast: Cast) -> None:
    row = register(cast.acme, "machine", name="Robot").application
    path = f"/dashboard/{cast.acme.slug}/applications/{row.public_id}/deletion"
    found = Counter(press(at_home(cast.owner), path, confirm="Robot", reason="x"))
    assert found == {303: 1, 404: 5}
    assert told(cast, row.public_id)["application.deleted"] == 1


def test_S6_a_page_and_the_api_take_turns_too(cast: Cast) -> None:
    organization = make_organization(cast.acme, "Twice")
    browser, token = at_home(cast.owner), access_token(cast.owner)
    base = f"/dashboard/{cast.acme.slug}/organizations/{organization.public_id}"
    body = {"csrfmiddlewaretoken": csrf_of(browser.get(base)), "confirm": "Twice", "reason": "x"}

    def one(index: int) -> Any:
        if index % 2:
            return Browser().api("DELETE", f"/v1/organizations/{organization.public_id}", token)
        return copy_of(browser).post(f"{base}/deletion", body)

    answers = [answer.status_code for answer in together(6, one)]
    assert sum(status in (204, 303) for status in answers) == 1, answers
    assert told(cast, organization.public_id)["organization.deleted"] == 1


def test_A1_a_stranger_waits_for_nobody_and_changes_nothing(cast: Cast) -> None:
    subject = make_member(cast.acme).subject
    for person in (cast.stranger, cast.other_owner):
        browser = at_home(person)
        page = browser.get("/account/")
        answer = browser.submit(
            page, {"reason": "x"}, to=f"/dashboard/{cast.acme.slug}/members/{subject}/suspension"
        )
        assert answer.status_code == 404
    assert told(cast, subject)["user.suspended"] == 0
