"""Events reach endpoints signed, at least once, on the published schedule (R3, W2)."""

from __future__ import annotations

import pytest
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from core import scope
from tests.factories import Cast
from tests.webhooks.receiver import (
    Received,
    deliveries,
    fresh,
    happen,
    make_due,
    receiving,
    register,
    run_until_done,
)
from webhooks import pump, schedule
from webhooks.models import Attempt


def attempts_of(tenant, delivery) -> list[Attempt]:
    with scope.tenant(tenant.id):
        return list(Attempt.objects.filter(delivery_id=delivery.id).order_by("number"))


def test_W2_a_delivery_passes_the_reference_verifier(cast: Cast) -> None:
    with receiving() as receiver:
        made = register(cast.acme, receiver.url)
        [event_id] = happen(cast.acme)
        pump.deliver_due()
    [got] = receiver.received
    event = Webhook(made.secret).verify(got.body, got.headers)
    assert event["id"] == got.id == event_id
    assert (event["type"], event["mode"]) == ("organization.created", "test")
    assert int(event["sequence"]) > 0
    assert got.headers["content-type"] == "application/json"
    [delivery] = deliveries(cast.acme)
    assert (delivery.status, delivery.attempts, delivery.last_status) == ("delivered", 1, 200)


def test_W2_a_changed_body_a_stale_time_and_another_secret_do_not_verify(cast: Cast) -> None:
    with receiving() as receiver:
        made = register(cast.acme, receiver.url)
        other = register(cast.globex, receiver.url)
        happen(cast.acme)
        pump.deliver_due()
    [got] = receiver.received
    stale = {**got.headers, "webhook-timestamp": str(int(got.headers["webhook-timestamp"]) - 301)}
    for secret, body, headers in (
        (made.secret, got.body.replace(b"No 0", b"No 9"), got.headers),
        (made.secret, got.body, stale),
        (other.secret, got.body, got.headers),
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, headers)


def test_a_failed_attempt_is_followed_by_another_and_both_are_kept(cast: Cast) -> None:
    answers = iter([(500, {}), (204, {})])
    with receiving(lambda _: next(answers)) as receiver:
        register(cast.acme, receiver.url)
        happen(cast.acme)
        pump.deliver_due()
        [delivery] = deliveries(cast.acme)
        wait = (delivery.due_at - timezone.now()).total_seconds()
        assert (delivery.status, delivery.is_retry) == ("pending", True)
        assert 3 < wait <= 5.5
        assert pump.deliver_due() == 0, "it is not due yet"
        make_due(cast.acme)
        pump.deliver_due()
    first, second = receiver.received
    assert first.id == second.id
    assert first.body == second.body
    [delivery] = deliveries(cast.acme)
    kept = attempts_of(cast.acme, delivery)
    assert [(one.number, one.status) for one in kept] == [(1, 500), (2, 204)]
    assert kept[0].answer == "thanks"
    assert delivery.status == "delivered"
    assert "whsec" not in str(kept[0].request_headers)
    assert kept[0].request_headers["webhook-signature"].endswith("…")


def test_R3_a_flapping_receiver_loses_nothing(cast: Cast) -> None:
    """Sent = received ∪ dead letter, every message with its own id on every try."""
    calls: dict[str, int] = {}

    def flapping(received: Received) -> tuple[int, dict[str, str]]:
        count = calls[received.id] = calls.get(received.id, 0) + 1
        hopeless = int(received.event["data"]["object"]["name"].split()[1]) % 5 == 0
        return (200 if not hopeless and count % 3 == 0 else 503), {}

    with receiving(flapping) as receiver:
        made = register(cast.acme, receiver.url)
        sent = set(happen(cast.acme, 20))
        run_until_done(cast.acme, rounds=400)
        rows = deliveries(cast.acme, made.endpoint)
    delivered = {row.event_public_id for row in rows if row.status == "delivered"}
    dead = {row.event_public_id for row in rows if row.status == "exhausted"}
    assert delivered | dead == sent
    assert delivered & dead == set()
    assert len(dead) == 4
    assert delivered == {one for one, count in calls.items() if count == 3}
    assert {calls[one] for one in dead} == {len(schedule.DELAYS)}
    assert {one.id for one in receiver.received} == sent


def test_R3_the_schedule_grows_over_days_with_jitter() -> None:
    assert schedule.DELAYS == (0, 5, 60, 300, 1800, 7200, 21600, 43200, 86400)
    for tries, delay in enumerate(schedule.DELAYS):
        found = {round(schedule.delay_after(tries) or 0, 3) for _ in range(50)}
        assert all(delay * 0.9 <= one <= delay * 1.1 for one in found)
        assert delay == 0 or len(found) > 10
    assert schedule.delay_after(len(schedule.DELAYS)) is None


@pytest.mark.parametrize(
    ("asked", "least", "most"), [("120", 115, 121), ("999999", 86390, 86401), ("1", 3, 6)]
)
def test_R3_retry_after_is_honoured_to_a_day(cast: Cast, asked: str, least: int, most: int) -> None:
    with receiving(lambda _: (429, {"retry-after": asked})) as receiver:
        register(cast.acme, receiver.url)
        happen(cast.acme)
        pump.deliver_due()
    [delivery] = deliveries(cast.acme)
    assert least <= (delivery.due_at - timezone.now()).total_seconds() <= most


def test_R3_a_410_disables_the_endpoint_and_nothing_more_is_sent(cast: Cast) -> None:
    with receiving(410) as receiver:
        made = register(cast.acme, receiver.url)
        happen(cast.acme)
        pump.deliver_due()
        endpoint = fresh(cast.acme, made.endpoint)
        assert (endpoint.status, endpoint.status_reason) == ("disabled", "The receiver answered 410 Gone.")
        happen(cast.acme, 3)
        make_due(cast.acme)
        pump.deliver_due()
    assert len(receiver.received) == 1
    assert [row.status for row in deliveries(cast.acme, made.endpoint)] == ["exhausted"]


def test_R3_the_last_failure_is_reported_as_an_event(cast: Cast) -> None:
    with receiving(500) as receiver, receiving() as watcher:
        register(cast.acme, receiver.url)
        register(cast.acme, watcher.url, ["webhook.message.exhausted"])
        happen(cast.acme)
        run_until_done(cast.acme)
        happen(cast.acme, 0)
        pump.deliver_due()
    assert len(receiver.received) == len(schedule.DELAYS)
    [told] = watcher.received
    assert told.event["data"]["object"]["attempts"] == len(schedule.DELAYS)
    assert told.event["data"]["object"]["last_status"] == 500


def test_WH12_a_change_that_is_rolled_back_delivers_nothing(cast: Cast) -> None:
    with receiving() as receiver:
        register(cast.acme, receiver.url)
        with pytest.raises(RuntimeError), scope.tenant(cast.acme.id):
            from tests.webhooks.receiver import _emit

            _emit("organization.created", 1)
            raise RuntimeError
        happen(cast.acme, 0)
        pump.deliver_due()
    assert (receiver.received, deliveries(cast.acme)) == ([], [])


def test_the_body_is_the_canonical_envelope_and_thin_names_only_the_object(cast: Cast) -> None:
    with receiving() as receiver:
        register(cast.acme, receiver.url, payload="thin", content_type="application/cloudevents+json")
        [event_id] = happen(cast.acme)
        pump.deliver_due()
    [got] = receiver.received
    assert got.headers["content-type"] == "application/cloudevents+json"
    assert list(got.event["data"]) == ["object"]
    assert set(got.event["data"]["object"]) == {"id", "object", "url"}
    assert got.event["data"]["object"]["url"] == f"{cast.acme.issuer}/v1/events/{event_id}"
    assert got.body == got.body.strip()
    assert b": " not in got.body
