"""Every test has the real database: what it commits stays, so it makes its own tenants and accounts."""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from pytest_django import DjangoDbBlocker

from tests import network, servers


def pytest_configure() -> None:
    network.shut()
    network.read_trusted_certificates_once()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    marked = [item.nodeid for item in items if item.get_closest_marker("django_db")]
    if marked:
        raise pytest.UsageError(
            f"{marked[0]} is marked django_db, which would roll back or flush. Drop the mark: the database"
            " is open."
        )
    items[:] = begin_with_the_long_ones(items)
    take_no_words_from_the_product()


def take_no_words_from_the_product() -> None:
    """Keep Hypothesis from reading every module for constants, which takes each worker seconds.

    They would also make what is generated change with any line of the product, so that one commit fails for
    what another did.
    """
    if "hypothesis" in sys.modules:
        from hypothesis.internal.conjecture import providers

        providers._get_local_constants = lambda: providers._local_constants


def begin_with_the_long_ones(items: list[pytest.Item]) -> list[pytest.Item]:
    """Order for two workers, each of whom begins with a half and takes from the other's end when it is done.

    What meets the server of `served` goes to the first of them, so that one server is started and not two; what
    starts processes of its own comes first in the second half, so that none of it is left to be waited for.
    """
    served = [item for item in items if "served" in getattr(item, "fixturenames", ())]
    slow = [item for item in items if item.get_closest_marker("slow") and item not in served]
    moved = {*served, *slow}
    others = [item for item in items if item not in moved]
    half = max(len(items) // 2 - len(served), 0)
    return [*served, *others[:half], *slow, *others[half:]]


def pytest_collection_finish() -> None:
    """Keep what was read out of the garbage collector's walks: nothing of it goes before the end."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)  # a request makes thousands of objects, and hardly a cycle


@pytest.fixture(scope="session", autouse=True)
def django_db_setup(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Make the worker's own database and open it for the whole session."""
    from django.db import connections
    from django.template import Template
    from django.test.utils import _TestState

    servers.make_database()
    # No test looks at what a template was rendered with; to copy that for each of its parts costs a tenth of a page.
    Template._render = _TestState.saved_data.template_render
    with django_db_blocker.unblock():
        yield
        for connection in connections.all(initialized_only=True):
            connection.close()
            if hasattr(connection, "close_pool"):
                connection.close_pool()


@pytest.fixture(autouse=True)
def _by_itself() -> Iterator[None]:
    """Begin each test as the first one, and fail it for what it leaves open. One fixture: each costs all tests."""
    from django.utils import translation

    translation.deactivate()  # the thread keeps the language of the last page that was asked for
    fresh_limits()
    empty_mailbox()
    yield
    nothing_left_open()


def nothing_left_open() -> None:
    """Fail a test that leaves a scope or a transaction behind for the next one to work in."""
    from django.db import connections

    from core import scope

    open_ones = (c for c in connections.all(initialized_only=True) if c.in_atomic_block)
    opened = [connection.alias for connection in open_ones]
    for alias in opened:
        connections[alias].close()
    assert not opened, f"the test left a transaction open on {opened}"
    assert scope.current() is None, f"the test left the scope {scope.current()} open"


def fresh_limits() -> None:
    """Give each test the whole of every limit; the worker's database and Valkey are its own."""
    from django.core.exceptions import SynchronousOnlyOperation
    from django.db import connection

    from core import ratelimit, valkey

    ratelimit.clear_local()
    with contextlib.suppress(valkey.ValkeyError):
        valkey.client().flushdb()
    # The browser tests run an event loop and have an installation of their own.
    with contextlib.suppress(SynchronousOnlyOperation), connection.cursor() as cursor:
        cursor.execute("DELETE FROM signin_attemptwindow")


def empty_mailbox() -> None:
    """Who looks for a message reads all that are there."""
    from mail import mailbox

    for path in mailbox.folder().iterdir():
        path.unlink()


@pytest.fixture
def cast():
    """Two tenants, their people, and a stranger."""
    from tests.factories import make_cast

    return make_cast()


@pytest.fixture
def browser():
    from tests.factories import Browser

    return Browser()


@pytest.fixture(scope="session")
def served(django_db_setup: None) -> Iterator[Any]:
    """The product in a process of its own over this worker's database, for clients that speak HTTP."""
    from tests.protocol import live

    with live.serving() as server:
        yield server


@pytest.fixture(scope="module")
def roomy() -> Iterator[None]:
    """Raise every quota a thousandfold: a sweep makes more calls than a person does in a minute."""
    from core import ratelimit

    original = ratelimit.limit_for

    def wider(name: str, **options: bool) -> Any:
        limit = original(name, **options)  # type: ignore[arg-type]
        return replace(limit, quota=limit.quota * 1000)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ratelimit, "limit_for", wider)
        yield
