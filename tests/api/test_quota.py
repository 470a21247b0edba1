"""Limits at the API's door: headers on every answer, a 429 that says what to do, never off (API-05, R6, R14)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.test import override_settings

from core import ratelimit
from tests.api.callers import api_key, problem
from tests.api.test_idempotency import together
from tests.factories import Browser, Cast, access_token, make_cast, make_member


@pytest.fixture(scope="module")
def people() -> Cast:
    return make_cast()


@pytest.fixture
def tight(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every class admit five requests."""
    original = ratelimit.limit_for
    monkeypatch.setattr(
        ratelimit, "limit_for", lambda name, **options: replace(original(name, **options), quota=5)
    )


@pytest.fixture
def no_valkey() -> Iterator[None]:
    with override_settings(REDIS_URL="unix:///nonexistent/valkey.sock?db=0"):
        yield


def policy(answer: object) -> set[str]:
    return {part.split(";")[0].strip('" ') for part in answer.headers["RateLimit-Policy"].split(",")}  # type: ignore[attr-defined]


def test_API05_each_operation_counts_against_its_classes(people: Cast) -> None:
    token = access_token(people.owner)
    calls = [
        ("GET", "/v1/members", {"standard"}),
        ("GET", "/v1/members?q=ann", {"standard", "search"}),
        ("GET", "/v1/members/sub_x", {"standard"}),
        ("HEAD", "/v1/members", {"standard"}),
        ("POST", "/v1/members", {"standard", "write"}),
        ("PATCH", "/v1/members/sub_x", {"standard", "write"}),
        ("DELETE", "/v1/members/sub_x", {"standard", "write"}),
    ]
    for method, path, classes in calls:
        assert policy(Browser().api(method, path, token)) == classes, (method, path)


def test_API05_people_and_machines_have_their_own_quotas(people: Cast) -> None:
    person = Browser().api("GET", "/v1/members", access_token(people.owner))
    machine = Browser().api("GET", "/v1/members", api_key(people.acme, people.owner))
    assert person.headers["RateLimit-Policy"] == '"standard";q=300;w=60'
    assert machine.headers["RateLimit-Policy"] == '"standard";q=3000;w=60'


@pytest.mark.usefixtures("tight")
def test_API05_a_refusal_names_the_policy_and_the_wait(people: Cast) -> None:
    token = access_token(make_member(people.acme, roles=["admin"]))
    answers = [Browser().api("GET", "/v1/members", token) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert [answer.headers["RateLimit"].split(";")[1] for answer in answers[:5]] == [
        "r=4",
        "r=3",
        "r=2",
        "r=1",
        "r=0",
    ]
    told = problem(answers[5], 429, "rate_limit_exceeded")
    assert (told["violated_policies"], told["retryable"]) == (["standard"], True)
    assert 1 <= int(answers[5].headers["Retry-After"]) <= 120


@pytest.mark.usefixtures("tight")
def test_API05_more_tokens_of_one_person_give_no_more_calls(people: Cast) -> None:
    person = make_member(people.acme, roles=["admin"])
    codes = [Browser().api("GET", "/v1/members", access_token(person)).status_code for _ in range(7)]
    assert codes == [200] * 5 + [429] * 2


@pytest.mark.usefixtures("tight")
def test_R14_parallel_calls_never_exceed_the_limit_and_the_neighbour_is_untouched(people: Cast) -> None:
    token = access_token(make_member(people.acme, roles=["admin"]))
    codes = together(60, lambda _: Browser().api("GET", "/v1/members", token).status_code)
    assert codes.count(200) <= 5
    assert set(codes) <= {200, 429, 503}
    assert Browser().api("GET", "/v1/members", access_token(people.other_owner)).status_code == 200


@pytest.mark.usefixtures("no_valkey")
def test_R6_without_valkey_the_api_goes_on(people: Cast) -> None:
    token = access_token(people.owner)
    assert Browser().api("GET", "/v1/members", token).status_code == 200
    made = Browser().api("POST", "/v1/organizations", token, {"name": "Without"})
    assert made.status_code == 201
    assert Browser().api("DELETE", f"/v1/organizations/{made.json()['id']}", token).status_code == 204


@pytest.mark.usefixtures("no_valkey")
def test_R6_without_valkey_limits_are_stricter_and_not_off(people: Cast) -> None:
    token = access_token(make_member(people.acme, roles=["admin"]))
    codes = [Browser().api("POST", "/v1/members", token, {}).status_code for _ in range(20)]
    assert codes == [400] * 15 + [429] * 5


@pytest.mark.usefixtures("no_valkey")
def test_R6_without_valkey_what_was_revoked_stays_revoked(people: Cast) -> None:
    owner = access_token(people.owner)
    person = make_member(people.acme, roles=["admin"])
    token = access_token(person)
    assert Browser().api("GET", "/v1/members", token).status_code == 200
    assert Browser().api("PUT", f"/v1/members/{person.subject}/suspension", owner, {}).status_code < 300
    assert problem(Browser().api("GET", "/v1/members", token), 401)["code"] == "token_revoked"
