"""The same exchange as an OAuth extension grant (RFC 6749 §4.5), in the standard's own form (KEY-05)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from apikeys import services
from core import scope, secrets
from oauth.grants import API_KEY
from tests.apikeys.world import World, make_world
from tests.factories import admin_principal


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


def grant(world: World, secret: str, **more: str) -> Any:
    form = {"grant_type": API_KEY, "api_key": secret, **more}
    address = f"/t/{world.acme.slug}/oauth/token"
    return world.browser.post(address, urlencode(form), content_type="application/x-www-form-urlencoded")


def test_the_extension_grant_answers_like_the_endpoint(world: World) -> None:
    issued = world.issue(["api-keys:read", "members:read"])
    response = grant(world, issued.secret, scope="api-keys:read")
    assert response.status_code == 200, response.content
    assert response.headers["Cache-Control"] == "no-store"
    body = response.json()
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 3600, "api-keys:read")
    assert world.bearer(body["access_token"]).status_code == 200


def test_refusals_are_oauth_errors(world: World) -> None:
    issued, revoked = world.issue(["members:read"]), world.issue()
    with scope.tenant(world.acme.id):
        services.revoke_key(actor=admin_principal(world.acme, world.cast.owner), key=revoked.key)
    foreign = make_world().issue()
    assert grant(world, issued.secret, scope="members:write").json()["error"] == "invalid_scope"
    assert grant(world, issued.secret, audience="https://else.example").json()["error"] == "invalid_target"
    for dead in (revoked.secret, foreign.secret, secrets.generate_key("sk_test_").text, "nonsense"):
        response = grant(world, dead)
        assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")
