"""API-10: a genuine key that crosses the network in clear is refused and flagged, once."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import override_settings

from apikeys.models import ApiKey
from core import scope
from events.models import Event
from tests.api.callers import problem
from tests.apikeys.world import World, make_world
from tests.factories import Browser, access_token

KIND = "api_key.leak_reported"


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


@pytest.fixture(autouse=True)
def https() -> Any:
    with override_settings(SECURE=True):
        yield


def send(how: str, secret: str) -> Any:
    if how == "exchange":
        return Browser().api("POST", "/v1/auth/token", "", {"grant_type": "api_key", "api_key": secret})
    headers = {"X-API-Key": secret} if how == "header" else {"Authorization": f"Bearer {secret}"}
    return Browser().get("/v1/members", headers=headers)


def exposed_at(world: World, key: ApiKey) -> Any:
    with scope.tenant(world.acme.id):
        return ApiKey.objects.get(id=key.id).exposed_at


def flags(tenant: Any, key: ApiKey) -> int:
    with scope.tenant(tenant.id):
        return Event.objects.filter(type=KIND, object_id=key.public_id).count()


@pytest.mark.parametrize("how", ["bearer", "header", "exchange"])
def test_API10_a_genuine_key_on_plain_http_is_refused_and_flagged_once(world: World, how: str) -> None:
    issued = world.issue()
    for _ in range(3):
        problem(send(how, issued.secret), 400, "https_required")
    assert exposed_at(world, issued.key) is not None
    assert flags(world.acme, issued.key) == 1
    assert flags(world.cast.globex, issued.key) == 0


@pytest.mark.parametrize("wrong", ["x", "sk_test_" + "0" * 61, ""])
def test_API10_what_proves_nothing_flags_nothing(world: World, wrong: str) -> None:
    issued = world.issue()
    forged = issued.secret[:-7] + ("A" if issued.secret[-7] != "A" else "B") + issued.secret[-6:]
    for text in (wrong, forged):
        problem(send("bearer", text), 400, "https_required")
    assert exposed_at(world, issued.key) is None
    assert flags(world.acme, issued.key) == 0


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"api_key": 5}', b"\xff"])
def test_API10_a_broken_exchange_is_refused_like_any_other(body: bytes) -> None:
    problem(Browser().api("POST", "/v1/auth/token", "", body), 400, "https_required")


def test_API10_the_owner_reads_of_it_and_a_key_sent_over_https_has_no_flag(
    world: World, settings: Any
) -> None:
    sent, unsent = world.issue(), world.issue()
    send("bearer", sent.secret)
    settings.SECURE = False
    token = access_token(world.cast.owner)
    for issued, flagged in ((sent, True), (unsent, False)):
        told = Browser().api("GET", f"/v1/api-keys/{issued.key.public_id}", token).json()
        assert (told["exposed_at"] is not None) is flagged
