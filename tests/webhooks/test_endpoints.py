"""Secrets, tests, resends and replays, as services (WH-02, WH-03, WH-05, WH-06)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from core import jobs, scope
from core.errors import Conflict, ValidationFailed
from tests.factories import Cast, make_principal
from tests.webhooks.receiver import deliveries, happen, make_due, receiving, register, run_until_done
from webhooks import filters, pump, services, signing
from webhooks.errors import EndpointNotActive
from webhooks.models import EndpointSecret


def rotate(cast: Cast, endpoint, grace: timedelta) -> str:  # type: ignore[no-untyped-def]
    with scope.tenant(cast.acme.id):
        return services.rotate_secret(actor=make_principal(cast.acme), endpoint=endpoint, grace=grace)


def test_WH03_during_the_grace_period_both_secrets_sign(cast: Cast) -> None:
    with receiving() as receiver:
        made = register(cast.acme, receiver.url)
        second = rotate(cast, made.endpoint, timedelta(hours=24))
        happen(cast.acme)
        pump.deliver_due()
    [got] = receiver.received
    assert len(got.headers["webhook-signature"].split()) == 2
    for secret in (made.secret, second):
        Webhook(secret).verify(got.body, got.headers)


def test_WH03_at_once_means_that_only_the_new_secret_signs(cast: Cast) -> None:
    with receiving() as receiver:
        made = register(cast.acme, receiver.url)
        second = rotate(cast, made.endpoint, timedelta(0))
        happen(cast.acme)
        pump.deliver_due()
    [got] = receiver.received
    Webhook(second).verify(got.body, got.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(made.secret).verify(got.body, got.headers)


def test_WH03_at_most_two_live_and_an_expired_one_signs_no_more(cast: Cast) -> None:
    endpoint = register(cast.acme, "https://hooks.example.invalid/a").endpoint
    for _ in range(3):
        rotate(cast, endpoint, timedelta(hours=1))
    with scope.tenant(cast.acme.id):
        assert EndpointSecret.objects.filter(endpoint=endpoint).count() == 2
        assert len(signing.live_secrets([endpoint.id], timezone.now())[endpoint.id]) == 2
        later = timezone.now() + timedelta(hours=2)
        assert len(signing.live_secrets([endpoint.id], later)[endpoint.id]) == 1
    for grace in (timedelta(days=8), timedelta(seconds=-1)):
        with pytest.raises(ValidationFailed):
            rotate(cast, endpoint, grace)


def test_C9_the_timestamped_suite_is_sent_beside_the_standard_one(cast: Cast) -> None:
    import base64
    import hashlib
    import hmac

    with receiving() as receiver:
        made = register(cast.acme, receiver.url, signature_suite="timestamped")
        happen(cast.acme)
        pump.deliver_due()
    [got] = receiver.received
    Webhook(made.secret).verify(got.body, got.headers)
    stamp, mac = (part.split("=", 1)[1] for part in got.headers["x-webhook-signature"].split(","))
    key = base64.b64decode(made.secret.removeprefix("whsec_"))
    assert mac == hmac.new(key, f"{stamp}.".encode() + got.body, hashlib.sha256).hexdigest()


def test_WH06_a_test_message_goes_to_that_endpoint_alone_and_says_so(cast: Cast) -> None:
    with receiving() as receiver, receiving() as other:
        made = register(cast.acme, receiver.url, ["webhook.endpoint.deleted"])
        register(cast.acme, other.url, ["*"])
        with scope.tenant(cast.acme.id):
            services.send_test(actor=make_principal(cast.acme), endpoint=made.endpoint)
        happen(cast.acme, 0)
        pump.deliver_due()
    [got] = receiver.received
    assert got.event["type"] == "webhook.test"
    assert got.event["data"]["object"]["test"] is True
    assert "webhook.test" not in [one.event["type"] for one in other.received]


def test_a_test_message_to_a_paused_endpoint_is_refused(cast: Cast) -> None:
    endpoint = register(cast.acme, "https://hooks.example.invalid/a").endpoint
    principal = make_principal(cast.acme)
    with scope.tenant(cast.acme.id):
        paused = services.pause_endpoint(actor=principal, endpoint=endpoint)
        with pytest.raises(EndpointNotActive):
            services.send_test(actor=principal, endpoint=paused)


def test_WH05_a_dead_letter_is_resent_under_the_same_id(cast: Cast) -> None:
    answer = {"status": 500}
    with receiving(lambda _: (answer["status"], {})) as receiver:
        register(cast.acme, receiver.url)
        [event_id] = happen(cast.acme)
        run_until_done(cast.acme)
        [dead] = deliveries(cast.acme)
        assert dead.status == "exhausted"
        answer["status"] = 200
        with scope.tenant(cast.acme.id):
            services.resend(actor=make_principal(cast.acme), delivery=dead)
        run_until_done(cast.acme)
    assert set(receiver.ids()) == {event_id}
    [row] = deliveries(cast.acme)
    assert (row.status, row.attempts) == ("delivered", 10)


def test_R3_dead_letters_are_recovered_since_a_moment(cast: Cast) -> None:
    answer = {"status": 500}
    started = timezone.now()
    with receiving(lambda _: (answer["status"], {})) as receiver:
        made = register(cast.acme, receiver.url)
        sent = happen(cast.acme, 3)
        run_until_done(cast.acme, rounds=100)
        answer["status"] = 200
        receiver.received.clear()
        with scope.tenant(cast.acme.id):
            endpoint = services.enable_endpoint(actor=make_principal(cast.acme), endpoint=made.endpoint)
            count = services.recover_failed(actor=make_principal(cast.acme), endpoint=endpoint, since=started)
        assert count == 3
        run_until_done(cast.acme)
    assert set(receiver.ids()) == set(sent)


def test_a_replay_brings_what_an_endpoint_missed_and_marks_it(cast: Cast) -> None:
    started = timezone.now()
    missed = happen(cast.acme, 2)
    with receiving() as receiver:
        made = register(cast.acme, receiver.url)
        seen = happen(cast.acme, 1)
        pump.deliver_due()
        with scope.tenant(cast.acme.id):
            services.replay(actor=make_principal(cast.acme), endpoint=made.endpoint, since=started)
        while jobs.run_due():  # other tests leave theirs
            pass
        pump.deliver_due()
    again = [one for one in receiver.received if one.headers.get("webhook-replay") == "true"]
    assert {one.id for one in again} == {*missed, *seen}
    assert len(receiver.received) == 4


def test_a_replay_reaches_no_further_back_than_deliveries_are_kept(cast: Cast) -> None:
    endpoint = register(cast.acme, "https://hooks.example.invalid/a").endpoint
    principal = make_principal(cast.acme)
    for since in (timezone.now() - timedelta(days=8), timezone.now() + timedelta(hours=1)):
        for verb in (services.replay, services.recover_failed):
            with scope.tenant(cast.acme.id), pytest.raises(ValidationFailed):
                verb(actor=principal, endpoint=endpoint, since=since)


def test_a_new_address_starts_with_a_clean_record(cast: Cast) -> None:
    with receiving(500) as receiver:
        made = register(cast.acme, receiver.url)
        happen(cast.acme, 12)
        pump.deliver_due()
        make_due(cast.acme)
        with scope.tenant(cast.acme.id):
            changed = services.update_endpoint(
                actor=make_principal(cast.acme),
                endpoint=made.endpoint,
                url="https://hooks.example.invalid/new",
            )
    assert (changed.failures, changed.is_failing) == (0, False)


def test_a_disabled_endpoint_is_enabled_not_resumed(cast: Cast) -> None:
    with receiving(410) as receiver:
        made = register(cast.acme, receiver.url)
        happen(cast.acme)
        pump.deliver_due()
    principal = make_principal(cast.acme)
    with scope.tenant(cast.acme.id):
        with pytest.raises(Conflict):
            services.resume_endpoint(actor=principal, endpoint=made.endpoint)
        assert services.enable_endpoint(actor=principal, endpoint=made.endpoint).status == "active"


def test_wildcards_skip_high_volume_events_and_exact_names_do_not() -> None:
    from events.registry import declare

    declare("thing.ticked", "A thing ticked (tests)", object="thing", high_volume=True)
    assert filters.matches(["user.*"], "user.created")
    assert filters.matches(["*"], "user.email.verified")
    assert not filters.matches(["user.*"], "usergroup.created")
    assert not filters.matches(["user.created"], "user.updated")
    assert not filters.matches(["*", "thing.*"], "thing.ticked")
    assert filters.matches(["thing.ticked"], "thing.ticked")
    assert not filters.matches(["*"], "nobody.declared")


@pytest.mark.parametrize(
    "patterns", [[], ["nothing.here"], ["user.cre*"], ["nope.*"], ["**"], ["User.Created"]]
)
def test_C12_filters_that_can_never_match_are_refused(cast: Cast, patterns: list[str]) -> None:
    with pytest.raises(ValidationFailed):
        register(cast.acme, "https://hooks.example.invalid/a", patterns)
