"""Rate limits (C23; threats A4, R6, R14)."""

from __future__ import annotations

import socket
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.test import override_settings

from core import ratelimit, valkey
from core.ratelimit import Limit, hit, limit_for, shared
from core.ratelimit.limits import WHOLE, Count, decide
from core.ratelimit.local import LocalWindows

ALICE, BOB, STRANGER = "sub_alice", "sub_bob", "sub_stranger"


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ratelimit, "_local", LocalWindows())
    monkeypatch.setattr(shared, "_paused_until", 0.0)


@pytest.fixture
def patient() -> Iterator[None]:
    """A longer wait for Valkey where a test asks what it counts, not how fast it answers."""
    pool = valkey.client().connection_pool
    pool.disconnect()
    before = dict(pool.connection_kwargs)
    pool.connection_kwargs.update(socket_timeout=5, socket_connect_timeout=5)
    pool.reset()
    yield
    pool.connection_kwargs.update(before)
    pool.reset()


@pytest.fixture
def tenant() -> str:
    return f"ten_{uuid.uuid4().hex}"


def take(tenant: str, subject: str, limit: Limit, times: int = 1) -> list[bool]:
    return [hit(tenant=tenant, subjects=[subject], limits=[limit]).allowed for _ in range(times)]


def test_classes_of_the_contract() -> None:
    quotas = {name: (limit.quota, limit.window) for name, limit in ratelimit.CLASSES.items()}
    assert quotas == {"standard": (300, 60), "write": (60, 60), "search": (120, 60), "bulk": (10, 60)}
    assert limit_for("write", service=True).quota == 600
    assert limit_for("write", service=True, quota=75).quota == 75
    with pytest.raises(KeyError):
        limit_for("unknown")


@pytest.mark.usefixtures("patient")
def test_limit_admits_its_quota_and_then_refuses(tenant: str) -> None:
    assert take(tenant, ALICE, Limit("t", 5, 3600), 7) == [True] * 5 + [False] * 2


@pytest.mark.usefixtures("patient")
def test_A4_tenants_subjects_and_classes_do_not_share(tenant: str) -> None:
    limit = Limit("t", 1, 3600)
    assert take(tenant, ALICE, limit, 2) == [True, False]
    assert take(tenant, BOB, limit) == [True]
    assert take(f"{tenant}2", ALICE, limit) == [True]
    assert take(tenant, STRANGER, limit) == [True]
    assert take(tenant, ALICE, Limit("u", 1, 3600)) == [True]


@pytest.mark.usefixtures("patient")
def test_more_keys_do_not_give_more_calls(tenant: str) -> None:
    limit = Limit("t", 3, 3600)
    allowed = [hit(tenant=tenant, subjects=[f"ak_{n}", ALICE], limits=[limit]).allowed for n in range(5)]
    assert allowed == [True] * 3 + [False] * 2


@pytest.mark.usefixtures("patient")
def test_refused_request_counts_nowhere(tenant: str) -> None:
    wide, narrow = Limit("wide", 10, 3600), Limit("narrow", 1, 3600)
    for _ in range(4):
        decision = hit(tenant=tenant, subjects=[ALICE], limits=[wide, narrow])
    assert decision.violated == ["narrow"]
    assert take(tenant, ALICE, wide, 10) == [True] * 9 + [False]


@pytest.mark.usefixtures("patient")
def test_another_node_sees_what_this_one_admitted(tenant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = Limit("t", 4, 3600)
    assert take(tenant, ALICE, limit, 3) == [True] * 3
    monkeypatch.setattr(ratelimit, "_local", LocalWindows())
    assert take(tenant, ALICE, limit, 3) == [True, False, False]


@pytest.mark.usefixtures("patient")
def test_R14_thousand_parallel_requests_never_exceed_the_limit(
    tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight nodes (local counters of their own) with one Valkey."""
    limit, nodes = Limit("t", 100, 3600), [LocalWindows() for _ in range(8)]
    barrier = threading.Barrier(8)

    def node(number: int) -> int:
        barrier.wait()
        admitted = 0
        for _ in range(125):
            keys = [ratelimit._key(tenant, ALICE, limit)]
            own = decide([limit], nodes[number].reserve(keys, [limit], 1), 1).allowed
            counts = shared.take(keys, [limit], 1) if own else None
            admitted += bool(counts is not None and decide([limit], counts, 1).allowed)
        return admitted

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(node, range(8))) == 100


def test_R14_one_process_never_exceeds_the_limit_whatever_valkey_does(
    tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit, real = Limit("t", 100, 3600), shared.take
    turns = iter(range(100_000))
    monkeypatch.setattr(shared, "take", lambda *args: real(*args) if next(turns) % 3 else None)
    with ThreadPoolExecutor(16) as pool:
        admitted = sum(
            pool.map(lambda _: hit(tenant=tenant, subjects=[ALICE], limits=[limit]).allowed, range(1000))
        )
    assert 25 <= admitted <= 100


@override_settings(REDIS_URL="unix:///nonexistent/valkey.sock?db=0")
def test_R6_valkey_down_means_a_stricter_limit_and_never_none(tenant: str) -> None:
    limit = Limit("t", 100, 3600)
    decisions = [hit(tenant=tenant, subjects=[ALICE], limits=[limit]) for _ in range(60)]
    assert sum(decision.allowed for decision in decisions) == 25
    assert all(decision.degraded for decision in decisions)
    assert decisions[-1].headers()["RateLimit-Policy"] == '"t";q=25;w=3600'
    assert take(tenant, BOB, limit) == [True]
    assert take(tenant, ALICE, Limit("tiny", 1, 3600), 2) == [True, False]


def test_R6_slow_valkey_costs_one_budget_and_not_one_each(tenant: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        with override_settings(REDIS_URL=url):
            started = time.monotonic()
            decisions = [
                hit(tenant=tenant, subjects=[ALICE], limits=[Limit("t", 100, 3600)]) for _ in range(20)
            ]
            took = time.monotonic() - started
    assert all(decision.degraded for decision in decisions)
    assert took < 0.5


@pytest.mark.usefixtures("patient")
def test_R6_valkey_is_asked_again_after_the_pause(tenant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = Limit("t", 100, 3600)
    with override_settings(REDIS_URL="unix:///nonexistent/valkey.sock?db=0"):
        assert hit(tenant=tenant, subjects=[ALICE], limits=[limit]).degraded
    assert hit(tenant=tenant, subjects=[ALICE], limits=[limit]).degraded
    monkeypatch.setattr(shared, "_paused_until", 0.0)
    assert not hit(tenant=tenant, subjects=[ALICE], limits=[limit]).degraded


@pytest.mark.usefixtures("patient")
def test_R6_flushed_valkey_does_not_lift_the_limit_of_a_running_process(tenant: str) -> None:
    limit = Limit("t", 3, 3600)
    assert take(tenant, ALICE, limit, 3) == [True] * 3
    valkey.client().delete(ratelimit._key(tenant, ALICE, limit))
    valkey.client().script_flush()
    assert take(tenant, ALICE, limit) == [False]
    assert take(tenant, BOB, limit) == [True]


@pytest.mark.usefixtures("patient")
def test_headers_name_policy_state_and_wait(tenant: str) -> None:
    limits = [Limit("standard", 5, 3600), Limit("write", 1, 3600)]
    first = hit(tenant=tenant, subjects=["ak_1", ALICE], limits=limits).headers()
    assert first["RateLimit-Policy"] == '"standard";q=5;w=3600, "write";q=1;w=3600'
    assert first["RateLimit"].startswith('"standard";r=4;t=')
    assert '"write";r=0;t=' in first["RateLimit"]
    assert "Retry-After" not in first
    refused = hit(tenant=tenant, subjects=["ak_1", ALICE], limits=limits)
    assert refused.violated == ["write"]
    assert 0 < int(refused.headers()["Retry-After"]) == refused.retry_after <= 7200


@pytest.mark.parametrize(
    ("count", "used", "wait"),
    [
        (Count(0, 0, 0), 0, 0),
        (Count(9, 0, WHOLE // 2), 9, 0),
        (Count(10, 0, WHOLE // 2), 10, 36),
        (Count(0, 10, WHOLE // 2), 5, 0),
        (Count(6, 10, WHOLE // 2), 11, 12),
        (Count(0, 10, 1), 10, 6),  # the turn of the window admits nobody more
        (Count(0, 1, 0), 1, 0),
    ],
)
def test_window_slides(count: Count, used: int, wait: int) -> None:
    decision = decide([Limit("t", 10)], [count], 1)
    assert count.used == used
    assert decision.allowed is (wait == 0)
    assert decision.retry_after == wait


def test_waiting_as_told_is_enough() -> None:
    """The published wait is checked against the window itself, at every fill."""
    limit = Limit("t", 10)
    for current in range(14):
        for previous in range(14):
            for elapsed in range(0, WHOLE, WHOLE // 7):
                decision = decide([limit], [Count(current, previous, elapsed)], 1)
                if not decision.allowed:
                    at = elapsed + decision.retry_after * WHOLE // limit.window
                    windows, rest = divmod(at, WHOLE)
                    counts = [(current, previous), (0, current), (0, 0)][windows]
                    assert decide([limit], [Count(*counts, rest)], 1).allowed


def test_clock_that_steps_back_gives_nothing_back(monkeypatch: pytest.MonkeyPatch) -> None:
    local, limit, clock = LocalWindows(), Limit("t", 2), [100_000.0]
    monkeypatch.setattr("core.ratelimit.local.time.time", lambda: clock[0])
    local.reserve(["k"], [limit], 2)
    for step in (-30.0, -60.0, -3600.0):
        clock[0] += step
        assert local.reserve(["k"], [limit], 0)[0].current == 2
    clock[0] += 180
    assert local.reserve(["k"], [limit], 0)[0].used == 0


def test_P2_many_subjects_share_counters_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.ratelimit.local.MAX_KEYS", 10)
    local, limit = LocalWindows(), Limit("t", 2)
    for number in range(5000):
        local.reserve([f"k{number}"], [limit], 1)
    assert len(local._windows[60].current) <= 10 + 1024
