"""What happens at once happens once: the same address, the same deletion (threats S6, R5)."""

from __future__ import annotations

from collections import Counter

import pytest

from core import scope
from events.models import Event
from organizations.models import Organization
from tests.api.test_idempotency import together
from tests.factories import Browser, Cast, access_token, make_cast, make_member, make_organization, unique
from tests.oauth.helpers import register

pytestmark = pytest.mark.usefixtures("roomy")


@pytest.fixture(scope="module")
def people() -> Cast:
    return make_cast()


@pytest.fixture(scope="module")
def token(people: Cast) -> str:
    return access_token(people.owner)


def statuses(method: str, path: str, token: str, body: object = None) -> Counter[int]:
    answers = together(8, lambda _: Browser().api(method, path, token, body))
    return Counter(answer.status_code for answer in answers)


def test_S6_one_address_is_added_once(people: Cast, token: str) -> None:
    body = {"email": f"{unique('twin')}@example.com"}
    assert statuses("POST", "/v1/members", token, body) == {201: 1, 409: 7}
    listed = Browser().api("GET", f"/v1/members?q={body['email']}", token).json()["data"]
    assert len(listed) == 1
    theirs = Browser().api("POST", "/v1/members", access_token(people.other_owner), body)
    assert theirs.status_code == 201  # the other tenant's members are its own


def test_S6_what_is_suspended_at_once_is_told_once(people: Cast, token: str) -> None:
    subject = make_member(people.acme).subject
    path = f"/v1/members/{subject}/suspension"
    assert statuses("PUT", path, token, {}) == {200: 8}
    assert statuses("DELETE", path, token) == {204: 8}
    with scope.tenant(people.acme.id):
        told = Event.objects.filter(object_id=subject).values_list("type", flat=True)
        assert Counter(told)["user.suspended"] == Counter(told)["user.reactivated"] == 1


def test_S6_an_application_is_deleted_once(people: Cast, token: str) -> None:
    public_id = register(people.acme, "machine").application.public_id
    assert statuses("DELETE", f"/v1/applications/{public_id}", token) == {204: 1, 404: 7}


@pytest.mark.parametrize("kind", ["members", "organizations"])
def test_S6_what_is_deleted_at_once_is_deleted_once(people: Cast, token: str, kind: str) -> None:
    row: Organization | None = make_organization(people.acme) if kind == "organizations" else None
    public_id = row.public_id if row else make_member(people.acme).subject
    assert statuses("DELETE", f"/v1/{kind}/{public_id}", token) == {204: 1, 404: 7}
    with scope.tenant(people.acme.id):
        told = Event.objects.filter(type__in=("user.deleted", "organization.deleted"), object_id=public_id)
        assert told.count() == 1
