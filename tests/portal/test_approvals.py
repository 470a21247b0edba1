"""Approvals: devices that the person let in, those that wait, typing a code, ending one (POR-07)."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings

from core import ids, scope
from events import selectors as events
from oauth.models import DeviceGrant
from signin import limits
from tenants.models import Tenant
from tests.dashboard.test_frame import signed_in
from tests.factories import Cast, make_cast, make_member
from tests.factories import Person as Somebody
from tests.protocol.test_rfc8628_device import Device, Person

PAGE = "/account/approvals"


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def person(cast: Cast) -> Somebody:
    return make_member(cast.acme)


@pytest.fixture(autouse=True)
def _by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "SIGNIN_BRIDGE", "tests.oauth.fake_bridge")
    monkeypatch.setattr(limits, "DEVICE_NETWORK", limits.Rule("test_network", 10_000, 60, 10_000))


def allowed(cast: Cast, person: Somebody) -> Device:
    device = Device(cast.acme, scope="openid offline_access", name="Living room").start()
    Person(person).allow(device)
    return device


def page_of(person: Somebody) -> str:
    return signed_in(person).get(PAGE).content.decode()


def end(who: Somebody, person: Somebody, tenant: Any = None) -> Any:
    with scope.tenant(person.tenant.id):
        row = DeviceGrant.objects.get(member=person.member)
    where = f"{PAGE}/devices/{ids.encode(Tenant.PREFIX, (tenant or person.tenant).id)}/{row.public_id}/end"
    browser = signed_in(who)
    return browser.submit(browser.get(PAGE), {}, to=where)


def test_POR07_a_device_that_was_let_in_is_seen_and_ended(cast: Cast, person: Somebody) -> None:
    device = allowed(cast, person)
    tokens = device.poll().json()
    page = page_of(person)
    assert "Living room" in page
    assert "Allowed" in page
    assert end(person, person).status_code == 303
    assert "Ended" in page_of(person)
    refused = device.poll(grant_type="refresh_token", refresh_token=tokens["refresh_token"], device_code=None)
    assert refused.status_code == 400
    with scope.tenant(cast.acme.id):
        assert events.stream().filter(type="token.revoked", actor_id=person.subject).count() == 1
    assert end(person, person).status_code == 404


def test_POR07_an_approval_that_was_not_fetched_yet_is_ended_too(cast: Cast, person: Somebody) -> None:
    device = allowed(cast, person)
    assert end(person, person).status_code == 303
    assert device.rest().poll().status_code == 400


def test_POR07_what_was_typed_and_not_decided_waits(cast: Cast, person: Somebody) -> None:
    device = Device(cast.acme, name="Kitchen").start()
    assert "Kitchen" not in page_of(person)
    Person(person).type(device.answer["user_code"])
    assert "Waits for you" in page_of(person)
    device.change(expires="2020-01-01T00:00:00Z")
    assert "Kitchen" not in page_of(person)


def test_POR07_a_refused_device_is_named_as_that(cast: Cast, person: Somebody) -> None:
    device = Device(cast.acme, name="Cellar").start()
    somebody = Person(person)
    somebody.decide(somebody.type(device.answer["user_code"]), "deny")
    assert "Refused" in page_of(person)


def test_POR07_a_typed_code_leads_to_the_services_own_page(cast: Cast, person: Somebody) -> None:
    browser = signed_in(person)
    answer = browser.get(f"{PAGE}?service={cast.acme.slug}&user_code=bcdf-ghjk")
    assert answer.headers["Location"] == f"/t/{cast.acme.slug}/oauth/device/verify?user_code=bcdf-ghjk"
    assert browser.get(f"{PAGE}?service={cast.globex.slug}&user_code=BCDF").status_code == 400
    assert browser.get(f"{PAGE}?service={cast.acme.slug}&user_code=").status_code == 400


@pytest.mark.parametrize("who", ["stranger", "owner", "other_member"])
def test_A1_nobody_sees_or_ends_another_persons_device(cast: Cast, person: Somebody, who: str) -> None:
    device = allowed(cast, person)
    assert "Living room" not in page_of(getattr(cast, who))
    assert end(getattr(cast, who), person).status_code == 404
    assert end(person, person, cast.globex).status_code == 404
    assert device.poll().status_code == 200


def test_somebody_without_a_service_sees_an_empty_page(cast: Cast) -> None:
    page = page_of(cast.stranger)
    assert "Nothing to decide" in page
    assert "user_code" not in page
