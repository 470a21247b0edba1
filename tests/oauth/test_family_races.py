"""O4: a family ends whole and without a deadlock, also beside a refresh that is under way."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections
from django.utils import timezone

from core import ids
from oauth import families
from oauth.clients import in_tenant
from oauth.models import RefreshToken
from tests.factories import Cast, make_cast
from tests.oauth.helpers import flow

pytestmark = pytest.mark.timeout(30)


@pytest.fixture
def cast(settings: Any) -> Cast:
    settings.SIGNIN_BRIDGE = "tests.oauth.fake_bridge"
    return make_cast()


@pytest.fixture
def family(cast: Cast) -> uuid.UUID:
    """A family of two links, of which the first is spent."""
    begun = flow(cast.member)
    begun.refresh(begun.tokens()["refresh_token"])
    with in_tenant(cast.acme.id):
        newest = RefreshToken.objects.latest("id")
        assert RefreshToken.objects.filter(token_family=newest.token_family).count() == 2
        return newest.token_family


def revoke_elsewhere(pool: ThreadPoolExecutor, cast: Cast, family: uuid.UUID) -> Future[int]:
    """Begin to end the family on another connection; returns when that waits for ours."""

    def run() -> int:
        try:
            with in_tenant(cast.acme.id):
                return families.revoke([family])
        finally:
            connections.close_all()

    begun = pool.submit(run)
    with connection.cursor() as cursor:
        for _ in range(200):
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return begun
            time.sleep(0.01)
    raise AssertionError("nobody waits")


def use_newest(family: uuid.UUID) -> RefreshToken:
    """Take the newest link as a refresh does."""
    link = RefreshToken.objects.select_for_update().filter(token_family=family).latest("id")
    RefreshToken.objects.filter(id=link.id).update(used_at=timezone.now())
    return link


def test_O4_a_link_that_a_refresh_adds_meanwhile_ends_with_its_family(cast: Cast, family: uuid.UUID) -> None:
    with ThreadPoolExecutor(1) as pool:
        with in_tenant(cast.acme.id):
            link = use_newest(family)
            ending = revoke_elsewhere(pool, cast, family)
            link.id, link.digest = ids.uuid7(), f"added-{family}"
            link.save(force_insert=True)
        assert ending.result(10) == 3
    with in_tenant(cast.acme.id):
        assert not RefreshToken.objects.filter(token_family=family, revoked=None).exists()


def test_O4_a_refresh_that_ends_its_family_itself_blocks_nobody(cast: Cast, family: uuid.UUID) -> None:
    with ThreadPoolExecutor(1) as pool:
        with in_tenant(cast.acme.id):
            use_newest(family)
            ending = revoke_elsewhere(pool, cast, family)
            assert families.revoke([family]) == 2
        assert ending.result(10) == 0


def test_O4_another_tenants_families_are_out_of_reach(cast: Cast, family: uuid.UUID) -> None:
    with in_tenant(cast.globex.id):
        assert families.revoke([family]) == 0
    with in_tenant(cast.acme.id):
        assert RefreshToken.objects.filter(token_family=family, revoked=None).count() == 2
