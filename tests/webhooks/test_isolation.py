"""Nothing crosses tenants, organizations or modes, and what may not be called is not (W1, W3, W4)."""

from __future__ import annotations

import pytest

from core import scope
from core.outbound import OutboundRefused
from tests.factories import Cast, make_organization, make_principal, make_tenant
from tests.webhooks.receiver import deliveries, happen, make_due, receiving, register
from webhooks import fanout, pump, services
from webhooks.models import Attempt, Delivery, Endpoint


def test_W4_two_tenants_never_get_each_others_events(cast: Cast) -> None:
    with receiving() as ours, receiving() as theirs:
        register(cast.acme, ours.url, ["*"])
        register(cast.globex, theirs.url, ["*"])
        mine, other = happen(cast.acme, 5), happen(cast.globex, 5)
        pump.deliver_due()
    assert set(mine) <= set(ours.ids())
    assert set(other) <= set(theirs.ids())
    assert {one.event["tenantid"] for one in ours.received} != {
        one.event["tenantid"] for one in theirs.received
    }
    assert len({one.event["tenantid"] for one in ours.received}) == 1
    assert set(ours.ids()) & set(theirs.ids()) == set()


def test_W4_an_organizations_endpoint_gets_only_that_organizations_events(cast: Cast) -> None:
    first, second = make_organization(cast.acme), make_organization(cast.acme)
    with receiving() as receiver, receiving() as whole:
        register(cast.acme, receiver.url, ["*"], organization=first)
        register(cast.acme, whole.url)
        [own] = happen(cast.acme, organization_id=first.id)
        [foreign] = happen(cast.acme, organization_id=second.id)
        [general] = happen(cast.acme)
        pump.deliver_due()
    assert own in receiver.ids()
    assert not {foreign, general} & set(receiver.ids())
    assert {own, foreign, general} <= set(whole.ids())


def test_W4_an_organizations_scope_sees_its_own_endpoint_and_deliveries_only(cast: Cast) -> None:
    first, second = make_organization(cast.acme), make_organization(cast.acme)
    own = register(cast.acme, "https://hooks.example.invalid/a", organization=first).endpoint
    register(cast.acme, "https://hooks.example.invalid/b", organization=second)
    register(cast.acme, "https://hooks.example.invalid/c")
    happen(cast.acme, organization_id=first.id)
    with scope.organization(cast.acme.id, first.id):
        assert list(Endpoint.objects.all()) == [own]
        assert {row.endpoint_id for row in Delivery.objects.all()} == {own.id}
    with scope.organization(cast.acme.id, second.id):
        assert Delivery.objects.filter(endpoint=own).count() == 0


def test_W4_rights_are_looked_at_again_when_it_is_sent(cast: Cast) -> None:
    """A delivery of another organization's event, however it came there, is not sent."""
    first, second = make_organization(cast.acme), make_organization(cast.acme)
    with receiving() as receiver:
        made = register(cast.acme, receiver.url, organization=first)
        happen(cast.acme, organization_id=second.id)
        [foreign] = [row for row in _events(cast.acme) if row.organization_id == second.id]
        with scope.tenant(cast.acme.id):
            delivery = fanout.delivery_of(_sealed(foreign), made.endpoint)
            delivery.save(force_insert=True)
        pump.deliver_due()
    assert receiver.received == []
    [row] = deliveries(cast.acme, made.endpoint)
    assert row.last_error == "not_allowed"


def _events(tenant):  # type: ignore[no-untyped-def]
    from events.models import Event

    with scope.tenant(tenant.id):
        return list(Event.objects.filter(type="organization.created"))


def _sealed(event):  # type: ignore[no-untyped-def]
    event.sequence = 1
    return event


def test_W4_a_deleted_endpoint_gets_nothing_more(cast: Cast) -> None:
    with receiving() as receiver:
        made = register(cast.acme, receiver.url)
        happen(cast.acme, 2)
        with scope.tenant(cast.acme.id):
            services.delete_endpoint(actor=make_principal(cast.acme), endpoint=made.endpoint)
        happen(cast.acme, 2)
        make_due(cast.acme)
        pump.deliver_due()
    assert receiver.received == []
    assert [row.status for row in deliveries(cast.acme, made.endpoint)] == ["skipped", "skipped"]


def test_W4_deleted_between_lease_and_request_means_not_sent(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    from webhooks import queue

    with receiving() as receiver:
        made = register(cast.acme, receiver.url)
        happen(cast.acme)
        really = queue.lease_due

        def then_deleted(limit: int):  # type: ignore[no-untyped-def]
            leased = really(limit)
            if leased:
                with scope.tenant(cast.acme.id):
                    services.delete_endpoint(actor=make_principal(cast.acme), endpoint=made.endpoint)
            return leased

        monkeypatch.setattr(queue, "lease_due", then_deleted)
        pump.deliver_due()
    assert receiver.received == []


def test_W4_test_and_live_never_mix(cast: Cast) -> None:
    live = make_tenant(mode="live")
    with receiving() as receiver:
        made = register(live, receiver.url)
        with scope.tenant(live.id):
            Endpoint.objects.filter(id=made.endpoint.id).update(mode="test")
        happen(live)
        pump.deliver_due()
    assert receiver.received == []
    assert deliveries(live) == []


BLOCKED = [
    "http://hooks.example.invalid/plain",
    "https://127.0.0.1/x",
    "https://localhost/x",
    "https://10.0.0.1/x",
    "https://[::1]/x",
    "https://169.254.169.254/latest/meta-data",
    "https://2130706433/x",
    "https://user:pass@hooks.example.invalid/x",
    "ftp://hooks.example.invalid/x",
    "javascript:alert(1)",
    "",
]


@pytest.mark.parametrize("url", BLOCKED)
def test_W1_W3_what_may_not_be_called_is_refused_in_one_sentence(cast: Cast, url: str) -> None:
    with pytest.raises(OutboundRefused) as refused:
        register(cast.acme, url)
    assert (refused.value.status, refused.value.code) == (400, "address_unusable")
    assert str(refused.value.detail) == OutboundRefused.fix


def test_W1_a_name_that_points_inside_is_never_called(cast: Cast) -> None:
    """The canary on loopback is hit 0 times, and an open port reads like a closed one (W3)."""
    with receiving(allowed=False) as canary:
        port = canary.url.rsplit(":", 1)[1].split("/")[0]
        open_port = register(cast.acme, f"https://canary.localhost:{port}/x").endpoint
        closed = register(cast.acme, "https://canary.localhost:1025/x").endpoint
        happen(cast.acme)
        for _ in range(3):
            pump.deliver_due()
            make_due(cast.acme)
    assert canary.received == []
    errors = set()
    for endpoint in (open_port, closed):
        with scope.tenant(cast.acme.id):
            rows = Attempt.objects.filter(delivery_id__in=[row.id for row in deliveries_of(endpoint)])
            errors |= {(row.status, row.error, row.answer) for row in rows}
    assert errors == {(None, "address_unusable", "")}


def deliveries_of(endpoint: Endpoint) -> list[Delivery]:
    return list(Delivery.objects.filter(endpoint=endpoint))


def test_W1_the_list_is_asked_at_each_attempt_and_redirects_are_answers(cast: Cast) -> None:
    with receiving() as target:
        with receiving(lambda _: (302, {"location": target.url})) as receiver:
            register(cast.acme, receiver.url)
            happen(cast.acme)
            pump.deliver_due()
            assert [row.last_status for row in deliveries(cast.acme)] == [302]
        make_due(cast.acme)  # the operator took the receiver off the list
        pump.deliver_due()
        assert len(receiver.received) == 1
    assert target.received == []
    assert [row.last_error for row in deliveries(cast.acme)] == ["address_unusable"]


def test_a_stranger_and_a_foreign_principal_change_nothing(cast: Cast) -> None:
    from core.errors import InsufficientScope, NotFound

    endpoint = register(cast.acme, "https://hooks.example.invalid/a").endpoint
    for actor, error in (
        (make_principal(cast.globex), NotFound),
        (make_principal(cast.acme, ["webhooks:read"]), InsufficientScope),
    ):
        with scope.tenant(cast.acme.id), pytest.raises(error):
            services.delete_endpoint(actor=actor, endpoint=endpoint)
        with scope.tenant(cast.acme.id), pytest.raises(error):
            services.rotate_secret(actor=actor, endpoint=endpoint)
    with scope.tenant(cast.globex.id):
        assert Endpoint.objects.filter(id=endpoint.id).count() == 0
