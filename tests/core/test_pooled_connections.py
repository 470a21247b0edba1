"""What a broken call leaves on a pooled connection, and what a killed one does to the next (threats A8, R8)."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.db import InterfaceError, OperationalError, connection, connections
from psycopg_pool import PoolTimeout

from core import pools, scope
from core.api.problems import from_drf
from tenants.models import Member
from tests import servers
from tests.api.test_idempotency import together
from tests.factories import Browser, Cast, access_token, make_cast
from tests.isolation import catalogue

ROUNDS = 60


@pytest.fixture(scope="module")
def people() -> Cast:
    return make_cast()


@pytest.fixture
def roomy(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from core import ratelimit

    original = ratelimit.limit_for
    monkeypatch.setattr(ratelimit, "limit_for", lambda n, **o: replace(original(n, **o), quota=10_000_000))


def settings_left() -> tuple[str, ...]:
    """Return what the connection that this thread gets next has set, outside any transaction."""
    names = ("tenant_id", "organization_id", "account_id", "operator")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT " + ", ".join(f"coalesce(current_setting('app.{name}', true), '')" for name in names)
        )
        row = cursor.fetchone()
    assert row is not None
    return tuple(row)


def statement_times_out() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 5")
        cursor.execute("SELECT pg_sleep(2)")


def statement_fails() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 / 0")


def code_fails() -> None:
    raise RuntimeError("aborted")


def caller_leaves() -> None:
    raise KeyboardInterrupt


def rows_are_left_unread() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT generate_series(1, 10000)")
        cursor.fetchone()
    raise RuntimeError("aborted")


def backend_is_killed() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


BREAKAGES = [
    statement_times_out,
    statement_fails,
    code_fails,
    caller_leaves,
    rows_are_left_unread,
    backend_is_killed,
]


@pytest.mark.parametrize("breakage", BREAKAGES, ids=lambda function: function.__name__)
def test_A8_a_broken_call_leaves_no_context_and_no_foreign_row(
    breakage: Callable[[], None], people: Cast
) -> None:
    tenants = (people.acme, people.globex)
    subjects = {
        people.acme.id: {people.owner.subject, people.member.subject},
        people.globex.id: {people.other_owner.subject, people.other_member.subject},
    }
    foreign: list[Any] = []

    def one(number: int) -> None:
        mine, other = tenants[number % 2], tenants[1 - number % 2]
        try:
            with scope.tenant(mine.id):
                assert set(Member.objects.values_list("subject", flat=True)) == subjects[mine.id]
                breakage()
        except BaseException as error:
            if isinstance(error, AssertionError):
                foreign.append(error)
        connection.close()  # as after each request: the connection goes back to the pool
        if any(settings_left()) or scope.current() is not None:
            foreign.append(settings_left())
        with scope.tenant(other.id):
            seen = set(Member.objects.values_list("subject", flat=True))
        if seen != subjects[other.id]:
            foreign.append(seen)

    together(ROUNDS, one)
    assert foreign == []


def test_A8_requests_that_break_half_way_show_nobody_elses_rows(
    people: Cast, roomy: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.api import endpoint

    original, turn, lock = endpoint.Endpoint.work, [0], threading.Lock()

    def sometimes_breaks(self: Any, function: Any, call: Any) -> Any:
        answer = original(self, function, call)
        with lock:
            turn[0] += 1
            number = turn[0]
        if number % 3 == 0:
            (statement_times_out, statement_fails, rows_are_left_unread)[number // 3 % 3]()
        return answer

    monkeypatch.setattr(endpoint.Endpoint, "work", sometimes_breaks)
    tokens = (access_token(people.owner), access_token(people.other_owner))
    own = (
        {people.owner.subject, people.member.subject},
        {people.other_owner.subject, people.other_member.subject},
    )

    def one(number: int) -> int:
        answer = Browser().api("GET", "/v1/members", tokens[number % 2])
        connections.close_all()
        if answer.status_code == 200:
            assert {row["id"] for row in answer.json()["data"]} == own[number % 2]
        return int(answer.status_code)

    codes = Counter(together(90, one))
    assert set(codes) <= {200, 500, 503}
    assert codes[200] >= 45
    assert codes[503] > 0


def terminate_backends() -> int:
    """End every connection of the application's role to this database; only an administrator may."""
    assert servers._servers is not None
    name = connections["default"].settings_dict["NAME"]
    with psycopg.connect(servers._servers.postgres.conninfo(), autocommit=True) as administrator:
        rows = administrator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND usename = %s",
            [name, "claviger_app"],
        ).fetchall()
    return len(rows)


def test_R8_killed_backends_cost_a_503_at_most_and_the_next_call_works(people: Cast, roomy: None) -> None:
    tokens = (access_token(people.owner), access_token(people.other_owner))
    own = (
        {people.owner.subject, people.member.subject},
        {people.other_owner.subject, people.other_member.subject},
    )
    stop, killed = threading.Event(), []

    def killer() -> None:
        while not stop.wait(0.2):
            killed.append(terminate_backends())

    def one(number: int) -> int:
        answer = Browser().api("GET", "/v1/members", tokens[number % 2])
        connections.close_all()
        if answer.status_code == 200:
            assert {row["id"] for row in answer.json()["data"]} == own[number % 2]
        else:
            assert answer.headers["Retry-After"]
            assert answer.json()["retryable"] is True
        return int(answer.status_code)

    thread = threading.Thread(target=killer)
    thread.start()
    try:
        codes = Counter(together(200, one))
    finally:
        stop.set()
        thread.join()
        connections.close_all()  # this thread's own is dead too
        pools.heal()
    assert set(codes) <= {200, 503}, codes
    assert sum(killed) > 0
    assert [one(number) for number in range(10)] == [200] * 10


def test_R8_when_all_idle_connections_died_one_call_at_most_suffers(people: Cast, roomy: None) -> None:
    token = access_token(people.owner)

    def status(_: int) -> int:
        return int(Browser().api("GET", "/v1/members", token).status_code)

    for _ in range(2):
        together(30, status)  # fills the pool
        connections.close_all()
        assert terminate_backends() > 1
        started = time.monotonic()
        codes = [status(0) for _ in range(5)]
        assert codes[1:] == [200] * 4
        assert codes[0] in (200, 503)
        assert time.monotonic() - started < 4


def test_R8_a_write_cut_off_by_a_killed_backend_is_whole_or_absent(people: Cast, roomy: None) -> None:
    token, done = access_token(people.owner), []
    stop = threading.Event()

    def killer() -> None:
        while not stop.wait(0.2):
            terminate_backends()

    def one(number: int) -> None:
        for _ in range(60):
            answer = Browser().api(
                "POST",
                "/v1/organizations",
                token,
                {"name": f"Cut {number}"},
                Idempotency_Key=f"cut-{people.acme.slug}-{number}",
            )
            connections.close_all()
            if answer.status_code == 201:
                done.append(number)
                return
            assert answer.status_code in (409, 503), answer.content
        raise AssertionError("never written")

    thread = threading.Thread(target=killer)
    thread.start()
    try:
        together(40, one)
    finally:
        stop.set()
        thread.join()
        connections.close_all()  # this thread's own is dead too
        pools.heal()
    with scope.tenant(people.acme.id):
        rows = catalogue.query(
            "SELECT name, count(*) FROM organizations_organization"
            " WHERE tenant_id = %s AND name LIKE 'Cut %%' GROUP BY 1",
            people.acme.id,
        )
    assert sorted(done) == list(range(40))
    assert sorted(rows) == sorted((f"Cut {number}", 1) for number in range(40))


def test_R8_a_lost_connection_is_unavailable_and_not_our_mistake() -> None:
    for error in (OperationalError("gone"), InterfaceError("closed"), PoolTimeout("full")):
        problem = from_drf(error)
        assert (problem.status, problem.code, problem.headers["Retry-After"]) == (503, "unavailable", "2")
