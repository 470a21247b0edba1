"""The real worker and sealer: a second to the receiver, and kill -9 loses nothing (R7, WH-12)."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from core import scope
from tests import starter
from tests.factories import Cast
from tests.webhooks.receiver import _emit, deliveries, make_due, receiving, register

WORKER = ["-m", "celery", "-A", "config", "--quiet", "worker", "--pool", "threads", "--concurrency", "2"]
WORKER += ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "error"]


@contextmanager
def process(arguments: list[str], log: Path) -> Iterator[starter.Started]:
    variables = {**os.environ, "OUTBOUND_ALLOW": ",".join(settings.OUTBOUND_ALLOW)}
    started = starter.start(arguments, variables, log, set_up=True)
    try:
        yield started
    finally:
        started.kill()
        started.wait(10)


def until(true, seconds: float = 30) -> float:  # type: ignore[no-untyped-def]
    started = time.monotonic()
    while not true() and time.monotonic() - started < seconds:
        time.sleep(0.02)
    assert true()
    return time.monotonic() - started


def test_R7_WH12_within_a_second_and_nothing_lost_when_the_worker_is_killed(
    cast: Cast, tmp_path: Path
) -> None:
    hold = threading.Event()

    def answer(_: object) -> tuple[int, dict[str, str]]:
        hold.wait(20)
        return 200, {}

    hold.set()
    with receiving(answer) as receiver:
        made = register(cast.acme, receiver.url)
        with process(["manage.py", "sealer"], tmp_path / "sealer"):
            with process(WORKER, tmp_path / "worker") as worker:
                first = emit(cast, 1)
                until(lambda: first <= set(receiver.ids()))
                second = emit(cast, 1)
                took = until(lambda: second <= set(receiver.ids()))
                hold.clear()
                third = emit(cast, 8)
                until(lambda: third <= set(receiver.ids()))
                worker.send_signal(signal.SIGKILL)
                worker.wait(10)
            hold.set()
            pending = [row for row in deliveries(cast.acme, made.endpoint) if row.status == "pending"]
            assert len(pending) == 8, "the killed worker recorded nothing"
            make_due(cast.acme)  # its lease of 30 s ends
            with process(WORKER, tmp_path / "worker"):
                fourth = emit(cast, 1)
                until(lambda: fourth <= set(receiver.ids()))
                until(lambda: all(row.status == "delivered" for row in deliveries(cast.acme, made.endpoint)))
    assert took < 1.5
    assert set(receiver.ids()) == first | second | third | fourth
    assert all(receiver.ids().count(one) == 2 for one in third), "again, with the same ids"


def emit(cast: Cast, count: int) -> set[str]:
    with scope.tenant(cast.acme.id):
        return {_emit("organization.created", number).public_id for number in range(count)}
