"""KEY-11: a key that expires soon is told of, once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from apikeys import notices, services
from apikeys.lifetimes import notice_at
from apikeys.models import ApiKey
from core import housekeeping, scope
from tests.apikeys.world import World, code, events, make_world
from tests.factories import Browser, access_token

KIND = "api_key.expiring"
NOW = timezone.now()


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


def make(world: World, **body: Any) -> ApiKey:
    """Make a key at the door, as the owner."""
    path = f"/t/{world.acme.slug}/v1/api-keys"
    body = {"name": "Night", "scopes": ["members:read"], "expires_in": 30 * 86_400} | body
    made = Browser().api("POST", path, access_token(world.cast.owner), body)
    assert made.status_code == 201, made.content
    with scope.tenant(world.acme.id):
        return next(key for key in ApiKey.objects.all() if key.public_id == made.json()["id"])


def age(world: World, key: ApiKey, **by: float) -> None:
    """Let time pass for a key."""
    passed = timedelta(**by)
    with scope.tenant(world.acme.id):
        row = ApiKey.objects.get(id=key.id)
        moved = {
            name: getattr(row, name) - passed
            for name in ("created_at", "expires_at", "notice_due_at", "overlap_until")
            if getattr(row, name)
        }
        ApiKey.objects.filter(id=key.id).update(**moved)


def told(world: World, key: ApiKey) -> list[dict[str, Any]]:
    return events(world.acme, KIND, key.public_id)


@pytest.mark.parametrize(
    ("life", "notice"),
    [(None, None), (365, 358), (90, 83), (30, 23), (28, 21), (8, 6), (1, 0.75)],
)
def test_KEY11_the_notice_is_seven_days_or_a_quarter_of_the_life_before_the_end(
    life: float | None, notice: float | None
):
    def after(days: float | None) -> datetime | None:
        return None if days is None else NOW + timedelta(days=days)

    assert notice_at(NOW, after(life)) == after(notice)


def test_KEY11_a_key_is_told_of_once_when_its_last_week_begins(world: World):
    key = make(world)
    housekeeping.run()
    assert told(world, key) == []
    age(world, key, days=22.9)
    notices.tell_of_expiring()
    assert told(world, key) == []
    age(world, key, days=0.2)
    for _ in range(3):
        housekeeping.run()
    (event,) = told(world, key)
    assert event["data"]["actor"]["type"] == "system"
    assert event["data"]["object"]["status"] == "active"
    assert event["data"]["object"]["hint"] == key.hint
    with scope.tenant(world.acme.id):
        expires = ApiKey.objects.get(id=key.id).expires_at
    assert datetime.fromisoformat(event["data"]["object"]["expires_at"]) - expires < timedelta(seconds=1)


def test_KEY11_parallel_sweeps_tell_once(world: World):
    keys = [make(world) for _ in range(3)]
    for key in keys:
        age(world, key, days=25)

    def run(_number: int) -> None:
        try:
            notices.tell_of_expiring()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, range(8)))
    assert [len(told(world, key)) for key in keys] == [1, 1, 1]


def test_KEY11_what_ended_or_never_ends_is_not_told_of(world: World):
    owner = world.actor(world.cast.owner)
    revoked, replaced, over = make(world), make(world), make(world)
    with scope.tenant(world.acme.id):
        services.revoke_key(actor=owner, key=revoked)
        fresh = services.rotate_key(actor=owner, key=replaced, overlap=20 * 86_400).key
    for key in (revoked, replaced, fresh):
        age(world, key, days=25)
    age(world, over, days=31)
    notices.tell_of_expiring()
    assert [len(told(world, key)) for key in (revoked, replaced, over, fresh)] == [0, 0, 0, 1]
    with scope.tenant(world.acme.id):
        ids = [key.id for key in (revoked, replaced, over, fresh)]
        assert not ApiKey.objects.filter(id__in=ids).exclude(notice_due_at=None).exists()


def test_KEY11_a_key_of_an_organization_is_told_of_there(world: World):
    key = make(world, organization_id=world.one.public_id)
    age(world, key, days=25)
    notices.tell_of_expiring()
    (event,) = told(world, key)
    assert event["orgid"] == world.one.public_id
    path = f"/t/{world.acme.slug}/v1/events?type={KIND}&limit=100"
    seen = {}
    for name, token in {
        "owner": access_token(world.cast.owner),
        "inside": access_token(world.org_admin, organization=world.one),
    }.items():
        listed = Browser().api("GET", path, token).json()["data"]
        seen[name] = key.public_id in [one["data"]["object"]["id"] for one in listed]
    assert seen == {"owner": True, "inside": True}


def test_A1_another_tenant_and_a_stranger_learn_nothing_of_it(world: World):
    key = make(world)
    age(world, key, days=25)
    notices.tell_of_expiring()
    assert len(told(world, key)) == 1
    assert events(world.cast.globex, KIND, key.public_id) == []
    other, path = access_token(world.cast.other_owner), f"v1/events?type={KIND}"
    assert Browser().api("GET", f"/t/{world.cast.globex.slug}/{path}", other).json()["data"] == []
    assert code(Browser().api("GET", f"/t/{world.acme.slug}/{path}", other)) == (403, "tenant_mismatch")
    assert Browser().api("GET", f"/t/{world.acme.slug}/{path}", "").status_code == 401
