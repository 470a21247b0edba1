"""The same request has one effect and one answer (promise R5, threat A4, api-conventions §5)."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections

from core import crypto, housekeeping, ids, scope
from core.api import idempotency
from core.models import IdempotencyRecord
from events.models import Event
from organizations.models import Organization
from tests.api.callers import api_key, problem
from tests.api.routes import Case, operations
from tests.factories import Browser, Cast, access_token, make_cast, make_member, unique
from tests.sweeps import each

pytestmark = pytest.mark.usefixtures("roomy")
ADDRESS = "/v1/organizations"


@pytest.fixture(scope="module")
def people() -> Cast:
    return make_cast()


@pytest.fixture(scope="module")
def token(people: Cast) -> str:
    return access_token(people.owner)


def create(token: str, key: str, name: str, **headers: str) -> Any:
    return Browser().api("POST", ADDRESS, token, {"name": name}, Idempotency_Key=key, **headers)


def named(cast: Cast, name: str) -> int:
    with scope.tenant(cast.acme.id):
        return Organization.objects.filter(name=name).count()


def let_pass(record: IdempotencyRecord, column: str) -> None:
    """Move a time of the record into the past, as its owner: the application may not change records."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            f"UPDATE core_idempotencyrecord SET {column} = now() - interval '1 second' WHERE id = %s",
            [record.id],
        )


def together(number: int, work: Any) -> list[Any]:
    """Run `work` in `number` threads that start at once, each on connections of its own."""
    gate = threading.Barrier(min(number, 16))

    def one(index: int) -> Any:
        if index < gate.parties:
            gate.wait(10)
        try:
            return work(index)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(gate.parties) as pool:
        return list(pool.map(one, range(number)))


def test_R5_the_same_request_gets_the_same_answer_and_one_effect(people: Cast, token: str) -> None:
    key, name = ids.new_request_id(), unique("Once")
    first, second = create(token, key, name), create(token, key, name)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert first.headers["Request-Id"] != second.headers["Request-Id"]
    assert named(people, name) == 1


def test_R5_members_in_another_order_are_the_same_body_and_quotes_the_same_key(token: str) -> None:
    key, name = ids.new_request_id(), unique("Same")
    bodies = (b'{"name": "%s", "metadata": {"a": "1"}}', b'{"metadata":{"a":"1"},\n"name":"%s"}')
    first, second = (
        Browser().api("POST", ADDRESS, token, body % name.encode(), Idempotency_Key=sent)
        for body, sent in zip(bodies, (key, f'"{key}"'), strict=True)
    )
    assert (first.status_code, second.headers.get("Idempotent-Replayed")) == (201, "true")


def test_R5_another_body_or_query_with_the_key_is_refused(people: Cast, token: str) -> None:
    key, name = ids.new_request_id(), unique("First")
    assert create(token, key, name).status_code == 201
    problem(create(token, key, unique("Other")), 422, "idempotency_key_reused")
    assert create(token, key, name).status_code == 201


def test_R5_without_a_key_every_request_runs(people: Cast, token: str) -> None:
    body = {"name": unique("Twice"), "scopes": ["members:read"]}
    answers = [Browser().api("POST", "/v1/api-keys", token, body) for _ in range(2)]
    assert len({answer.json()["id"] for answer in answers}) == 2


@pytest.mark.parametrize("key", ["", '""', "a b", "é", "a" * 256, "tab\tin"])
def test_a_malformed_key_is_refused(key: str, people: Cast, token: str) -> None:
    name = unique("Never")
    problem(create(token, key, name), 400, "malformed_request")
    assert named(people, name) == 0


def test_R5_while_the_first_runs_the_second_is_told_so(people: Cast, token: str) -> None:
    key, name = ids.new_request_id(), unique("Slow")
    running, finish = threading.Event(), threading.Event()
    original = idempotency.store

    def slow(*arguments: Any) -> None:
        running.set()
        assert finish.wait(10)
        original(*arguments)

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(1) as pool:
        patch.setattr(idempotency, "store", slow)
        first = pool.submit(lambda: (create(token, key, name), connections.close_all())[0])
        assert running.wait(10)
        refused = create(token, key, name)
        finish.set()
        assert first.result(10).status_code == 201
    told = problem(refused, 409, "idempotency_in_progress")
    assert (refused.headers["Retry-After"], told["retryable"]) == ("1", True)
    assert create(token, key, name).headers["Idempotent-Replayed"] == "true"
    assert named(people, name) == 1


def test_R5_two_hundred_parallel_requests_have_one_effect(people: Cast, token: str) -> None:
    key, name = ids.new_request_id(), unique("Crowd")
    answers = together(200, lambda _: create(token, key, name))
    codes = Counter(answer.status_code for answer in answers)
    assert set(codes) <= {201, 409, 503}, codes
    assert codes[201] >= 1
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert sum("Idempotent-Replayed" not in a.headers for a in answers if a.status_code == 201) == 1
    assert named(people, name) == 1


def test_R9_after_an_answer_that_got_lost_the_retry_settles_it(people: Cast, token: str) -> None:
    """The process dies after the commit and before the answer: the caller knows nothing and asks again."""
    key, name = ids.new_request_id(), unique("Lost")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "core.api.endpoint.Response", lambda *_, **__: (_ for _ in ()).throw(RuntimeError("cut"))
        )
        assert create(token, key, name).status_code == 500
    assert create(token, key, name).headers["Idempotent-Replayed"] == "true"
    assert named(people, name) == 1


def test_R5_an_effect_that_fails_leaves_neither_row_nor_answer(people: Cast, token: str) -> None:
    key, name = ids.new_request_id(), unique("Broken")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(idempotency, "store", lambda *_: (_ for _ in ()).throw(RuntimeError("disk full")))
        problem(create(token, key, name), 500, "internal_error")
    assert named(people, name) == 0
    assert create(token, key, name).headers.get("Idempotent-Replayed") is None
    assert named(people, name) == 1


def test_a_refusal_after_the_work_began_is_kept_as_it_was(token: str) -> None:
    path, key = f"/v1/organizations/{ids.encode('org', ids.uuid7())}", ids.new_request_id()
    first, second = (Browser().api("DELETE", path, token, Idempotency_Key=key) for _ in range(2))
    assert problem(first, 404)["request_id"] == second.json()["request_id"]
    assert first.content == second.content
    assert second.headers["Content-Type"] == "application/problem+json"
    assert second.headers["Idempotent-Replayed"] == "true"


def test_a_refusal_before_the_work_is_not_kept(people: Cast, token: str) -> None:
    key, name = ids.new_request_id(), unique("Mended")
    problem(create(token, key, ""), 400, "validation_failed")
    problem(create(access_token(people.member), key, name), 403)
    assert create(token, key, name).status_code == 201


def test_a_stale_precondition_is_not_kept(token: str) -> None:
    made = create(token, ids.new_request_id(), unique("Etag"))
    path, key = f"{ADDRESS}/{made.json()['id']}", ids.new_request_id()
    tag = Browser().api("GET", path, token).headers["ETag"]
    body = {"name": unique("New")}
    problem(Browser().api("PATCH", path, token, body, Idempotency_Key=key, If_Match='"stale"'), 412)
    mended = Browser().api("PATCH", path, token, body, Idempotency_Key=key, If_Match=tag)
    assert (mended.status_code, mended.headers.get("Idempotent-Replayed")) == (200, None)


def test_A4_equal_keys_of_tenants_people_keys_and_addresses_are_separate(people: Cast, token: str) -> None:
    key = ids.new_request_id()
    second_admin = make_member(people.acme, roles=["admin"])
    callers = [
        token,
        access_token(people.other_owner),
        access_token(second_admin),
        api_key(people.acme, people.owner),
        api_key(people.acme, people.owner),
    ]
    answers = [create(caller, key, unique("Equal")) for caller in callers]
    assert [answer.status_code for answer in answers] == [201] * 5
    assert len({answer.json()["id"] for answer in answers}) == 5
    assert not any("Idempotent-Replayed" in answer.headers for answer in answers)
    elsewhere = Browser().api("POST", "/v1/service-accounts", token, {"name": "x"}, Idempotency_Key=key)
    assert elsewhere.status_code == 201


def test_T5_a_secret_is_replayed_for_an_hour_and_sealed_at_rest(people: Cast, token: str) -> None:
    key = ids.new_request_id()

    def issue() -> Any:
        body = {"name": "ci", "scopes": ["members:read"]}
        return Browser().api("POST", "/v1/api-keys", token, body, Idempotency_Key=key)

    first, again = issue(), issue()
    assert first.status_code == 201, first.content
    assert first.json()["secret"] == again.json()["secret"]
    assert again.headers["Cache-Control"] == "no-store"
    with scope.tenant(people.acme.id):
        newest = IdempotencyRecord.objects.latest("id")
    assert first.json()["secret"].encode() not in bytes(newest.sealed_body)
    let_pass(newest, "secret_until")
    late = issue().json()
    assert (late["secret"], late["secret_redacted"]) == (None, True)
    assert late["id"] == first.json()["id"]


def test_T5_the_secret_leaves_the_stored_answer_with_its_last_replay(people: Cast, token: str) -> None:
    key = ids.new_request_id()
    issue = lambda: Browser().api(  # noqa: E731
        "POST", "/v1/api-keys", token, {"name": "k", "scopes": ["members:read"]}, Idempotency_Key=key
    )
    first = issue().json()
    with scope.tenant(people.acme.id):
        stored: Any = IdempotencyRecord.objects.latest("id")
    assert stored.sealed_secret is not None
    housekeeping.run()
    assert issue().json()["secret"] == first["secret"], "within the hour it is replayed"
    let_pass(stored, "secret_until")
    housekeeping.run()
    with scope.tenant(people.acme.id):
        stored.refresh_from_db()
    assert stored.sealed_secret is None
    body = crypto.open_sealed_json(
        bytes(stored.sealed_body),
        context=(str(people.acme.id), "core_idempotencyrecord", "sealed_body", str(stored.id)),
    )
    assert first["secret"] not in str(body)
    assert issue().json()["id"] == first["id"]


def test_R20_a_key_is_free_again_after_a_day_although_nobody_cleaned_up(people: Cast, token: str) -> None:
    key, name = ids.new_request_id(), unique("Daily")
    assert create(token, key, name).status_code == 201
    with scope.tenant(people.acme.id):
        newest = IdempotencyRecord.objects.latest("id")
    assert newest.expires_at - newest.created_at > timedelta(hours=23, minutes=59)
    let_pass(newest, "expires_at")
    again = create(token, key, unique("Other"))
    assert (again.status_code, again.headers.get("Idempotent-Replayed")) == (201, None)


def test_U1_the_key_is_in_the_event_of_the_change(people: Cast, token: str) -> None:
    key = ids.new_request_id()
    answer = create(token, key, unique("Audited"))
    with scope.tenant(people.acme.id):
        event = Event.objects.get(type="organization.created", request_id=answer.headers["Request-Id"])
        assert f'"idempotency_key":"{key}"'.encode() in bytes(event.canonical)


@each("case", [c for c in operations() if c.operation.idempotency == "required"])
def test_a_required_key_that_is_missing_is_asked_for(case: Case, token: str) -> None:
    body = {"since": "2026-01-01T00:00:00Z", "email": f"{unique('x')}@example.com", "content": "a:read"}
    taken = case.operation.body().fields if case.operation.body else {}
    sent = {name: value for name, value in body.items() if name in taken}
    problem(Browser().api(case.method, case.path(), token, sent), 400, "idempotency_key_missing")


def test_invitations_tests_and_replays_require_a_key() -> None:
    required = {str(case) for case in operations() if case.operation.idempotency == "required"}
    assert {case.partition(" /v1/")[2].split("/")[0] for case in required} >= {
        "invitations",
        "webhook-endpoints",
    }
