"""Lost workers, hanging receivers, breakers and fairness (R7, R18)."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from django.utils import timezone
from standardwebhooks import Webhook

from core import scope
from tests.factories import Cast, make_principal
from tests.factories.hosted import mails_to
from tests.webhooks.receiver import deliveries, fresh, happen, make_due, receiving, register, run_until_done
from webhooks import messages, pump, queue, recording, services
from webhooks.models import Attempt, Endpoint


def test_R7_a_lost_workers_batch_goes_out_again_with_the_same_ids(cast: Cast) -> None:
    with receiving() as receiver:
        register(cast.acme, receiver.url)
        sent = happen(cast.acme, 5)
        lost = [one for one in queue.lease_due(100) if one.tenant_id == cast.acme.id]
        assert len(lost) == 5, "a worker took them all and was killed"
        assert pump.deliver_due() == 0, "their lease still runs"
        assert all(row.due_at <= timezone.now() + timedelta(seconds=31) for row in deliveries(cast.acme))
        make_due(cast.acme)  # 30 s later
        pump.deliver_due()
    assert sorted(receiver.ids()) == sorted(sent)
    assert {row.status for row in deliveries(cast.acme)} == {"delivered"}


def test_R7_killed_after_sending_repeats_the_message_and_counts_it_once(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving() as receiver:
        register(cast.acme, receiver.url)
        happen(cast.acme)
        with monkeypatch.context() as patch:
            patch.setattr(recording, "record", _killed)
            pump.deliver_due()
        make_due(cast.acme)
        pump.deliver_due()
    first, second = receiver.received
    assert (first.id, first.body) == (second.id, second.body)
    [row] = deliveries(cast.acme)
    assert (row.status, row.attempts) == ("delivered", 1)


def _killed(*_: object) -> None:
    raise KeyError("killed")


def test_R7_a_result_that_comes_after_its_lease_is_not_counted(cast: Cast) -> None:
    from webhooks.sending import Result

    with receiving() as receiver:
        register(cast.acme, receiver.url)
        happen(cast.acme)
        [late] = [one for one in queue.lease_due(100) if one.tenant_id == cast.acme.id]
        make_due(cast.acme)
        pump.deliver_due()
        recording.record(cast.acme.id, [Result(messages.Message(late), timezone.now(), status=500)])
    [row] = deliveries(cast.acme)
    assert (row.status, row.attempts, row.last_status) == ("delivered", 1, 200)


def test_R7_a_message_that_keeps_killing_workers_is_parked(cast: Cast) -> None:
    with receiving() as receiver:
        register(cast.acme, receiver.url)
        happen(cast.acme)
        for _ in range(messages.MAX_LEASES):
            queue.lease_due(100)
            make_due(cast.acme)
        pump.deliver_due()
    assert receiver.received == []
    [row] = deliveries(cast.acme)
    assert (row.last_error, row.attempts) == ("lost", 1)


def test_R18_a_hanging_receiver_delays_nobody(cast: Cast) -> None:
    release = threading.Event()

    def hang(_: object) -> tuple[int, dict[str, str]]:
        release.wait(10)
        return 200, {}

    with receiving(hang) as slow, receiving() as fast:
        register(cast.acme, slow.url)
        register(cast.globex, fast.url)
        happen(cast.acme, 40)
        worker = threading.Thread(target=_deliver_in_thread)
        worker.start()
        _until(lambda: len(slow.received) == 10)
        started = time.monotonic()
        happen(cast.globex, 20)
        _until(lambda: len(fast.received) == 20)
        took = time.monotonic() - started
        assert len(slow.received) == 10, "at most ten at once for one endpoint"
        release.set()
        worker.join(20)
    assert took < 3
    assert len(slow.received) == 40


def _deliver_in_thread() -> None:
    from django.db import connections

    try:
        pump.deliver_due()
    finally:
        connections.close_all()


def _until(true, seconds: float = 8) -> None:  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert true()


def test_R18_the_queue_takes_turns_between_tenants_then_endpoints(cast: Cast) -> None:
    big, small = "https://hooks.example.invalid/big", "https://hooks.example.invalid/small"
    loud = register(cast.acme, big).endpoint
    quiet = register(cast.acme, small).endpoint
    register(cast.globex, small)
    happen(cast.acme, 50)
    happen(cast.globex, 2)
    leased = [one for one in queue.lease_due(16) if one.tenant_id in (cast.acme.id, cast.globex.id)]
    assert len([one for one in leased if one.tenant_id == cast.globex.id]) == 2
    assert abs(_count(leased, loud) - _count(leased, quiet)) <= 1
    everything = leased + queue.lease_due(500)
    assert _count(everything, loud) == _count(everything, quiet) == 10
    make_due(cast.acme)
    make_due(cast.globex)


def _count(leased: list[queue.Leased], endpoint: Endpoint) -> int:
    return len([one for one in leased if one.endpoint_id == endpoint.id])


def test_R18_ten_straight_failures_open_the_breaker_and_waiting_spends_no_attempts(cast: Cast) -> None:
    answer = {"status": 500}
    with receiving(lambda _: (answer["status"], {})) as receiver:
        made = register(cast.acme, receiver.url)
        happen(cast.acme, 30)
        pump.deliver_due()
        endpoint = fresh(cast.acme, made.endpoint)
        assert endpoint.is_failing
        assert endpoint.state == "failing"
        assert len(receiver.received) <= 20
        spent = sum(row.attempts for row in deliveries(cast.acme, made.endpoint))
        make_due(cast.acme, probe=False)
        pump.deliver_due()
        assert sum(row.attempts for row in deliveries(cast.acme, made.endpoint)) == spent
        delays = []
        for _ in range(3):
            make_due(cast.acme)
            pump.deliver_due()
            now = sum(row.attempts for row in deliveries(cast.acme, made.endpoint))
            assert now == spent + 1, "one probe at a time"
            spent = now
            delays.append(fresh(cast.acme, made.endpoint).probe_delay)
        assert delays == [120, 240, 480]
        answer["status"] = 200
        run_until_done(cast.acme)
    assert not fresh(cast.acme, made.endpoint).is_failing
    assert {row.status for row in deliveries(cast.acme, made.endpoint)} == {"delivered"}


def test_WH11_long_and_often_failing_disables_but_one_bad_day_does_not(cast: Cast) -> None:
    with receiving(500) as receiver:
        made = register(cast.acme, receiver.url)
        happen(cast.acme, 3)
        pump.deliver_due()
        assert fresh(cast.acme, made.endpoint).status == "active"
        ago = timezone.now() - timedelta(days=6)
        with scope.tenant(cast.acme.id):
            Endpoint.objects.filter(id=made.endpoint.id).update(
                failing_since=ago, failed_messages=9, probe_at=None
            )
        happen(cast.acme)
        pump.deliver_due()
    endpoint = fresh(cast.acme, made.endpoint)
    assert endpoint.status == "disabled"
    assert endpoint.status_reason.startswith("No delivery succeeded since")
    [mail] = [one for one in mails_to(cast.owner.email) if "webhook endpoint" in one["subject"]]
    assert made.endpoint.url in mail["text"]
    assert f"/dashboard/{cast.acme.slug}/webhooks/{made.endpoint.public_id}" in mail["text"]
    assert "No delivery succeeded since" in mail["text"]
    for other in (cast.member, cast.other_owner, cast.stranger):
        assert not [one for one in mails_to(other.email) if "webhook endpoint" in one["subject"]]


def test_R4_a_strict_endpoint_gets_every_event_in_order_and_is_held_at_a_failure(cast: Cast) -> None:
    failing = {"on": True}
    with receiving(lambda _: (500 if failing["on"] else 200, {})) as receiver:
        made = register(cast.acme, receiver.url, ordering="strict")
        sent = happen(cast.acme, 6)
        pump.deliver_due()
        assert receiver.ids() == sent[:1], "held at the first"
        make_due(cast.acme)
        pump.deliver_due()
        assert receiver.ids() == sent[:1] * 2
        failing["on"] = False
        make_due(cast.acme)
        pump.deliver_due()
    assert receiver.ids()[2:] == sent
    assert {row.status for row in deliveries(cast.acme, made.endpoint)} == {"delivered"}


def test_a_skipped_message_lets_a_strict_endpoint_go_on(cast: Cast) -> None:
    with receiving(
        lambda got: (500 if got.event["data"]["object"]["name"] == "No 0" else 200, {})
    ) as receiver:
        register(cast.acme, receiver.url, ordering="strict")
        sent = happen(cast.acme, 3)
        pump.deliver_due()
        held = deliveries(cast.acme)[0]
        with scope.tenant(cast.acme.id):
            services.skip(actor=make_principal(cast.acme), delivery=held)
        pump.deliver_due()
    assert receiver.ids() == sent


def test_a_paused_endpoints_messages_wait_and_go_when_it_is_resumed(cast: Cast) -> None:
    principal = make_principal(cast.acme)
    with receiving() as receiver:
        made = register(cast.acme, receiver.url)
        with scope.tenant(cast.acme.id):
            services.pause_endpoint(actor=principal, endpoint=made.endpoint)
        sent = happen(cast.acme, 3)
        pump.deliver_due()
        assert receiver.received == []
        assert [row.attempts for row in deliveries(cast.acme, made.endpoint)] == [0, 0, 0]
        with scope.tenant(cast.acme.id):
            services.resume_endpoint(actor=principal, endpoint=made.endpoint)
        pump.deliver_due()
    assert sorted(receiver.ids()) == sorted(sent)


def test_a_suspended_tenants_messages_wait(cast: Cast) -> None:
    from core.principal import SYSTEM
    from tenants import selectors
    from tenants import services as tenants

    with receiving() as receiver:
        register(cast.acme, receiver.url)
        happen(cast.acme)
        with scope.tenant(cast.acme.id):
            tenants.suspend_tenant(actor=SYSTEM, tenant=selectors.tenant(), reason="unpaid")
        pump.deliver_due()
    assert receiver.received == []
    [row] = deliveries(cast.acme)
    assert (row.status, row.attempts, row.lease) == ("pending", 0, None)


def test_U2_a_hostile_answer_is_kept_short_and_harmless(cast: Cast) -> None:
    with receiving() as receiver:
        receiver.body = b"\x00\xff<script>alert(1)</script>" + b"x" * 100_000
        register(cast.acme, receiver.url)
        happen(cast.acme)
        pump.deliver_due()
    with scope.tenant(cast.acme.id):
        [kept] = Attempt.objects.all()
    assert len(kept.answer) <= 4096
    assert "\0" not in kept.answer


def test_the_secret_is_on_no_row_and_in_no_event(cast: Cast) -> None:
    from events.models import Event

    made = register(cast.acme, "https://hooks.example.invalid/a")
    assert made.secret.startswith("whsec_")
    with scope.tenant(cast.acme.id):
        stored = [bytes(event.canonical).decode() for event in Event.objects.all()]
    assert not [text for text in stored if made.secret.removeprefix("whsec_") in text]
    assert made.secret not in repr(made)
    assert Webhook(made.secret)
