"""Caches that know when to forget (decision 3)."""

from __future__ import annotations

import pytest

from core import livecache, scope
from core.livecache import LiveCache
from tests.factories import Cast, unique


@pytest.fixture
def topic() -> str:
    return unique("topic")


def test_a_value_is_loaded_once_and_forgotten_on_invalidation(cast: Cast, topic: str) -> None:
    cache: LiveCache[int] = LiveCache(topic)
    loads: list[int] = []

    def load() -> int:
        loads.append(1)
        return len(loads)

    assert [cache.get("a", load), cache.get("a", load)] == [1, 1]
    with scope.tenant(cast.acme.id):
        livecache.invalidate(topic, "a")
    assert cache.get("a", load) == 2


def test_a_missing_value_is_remembered_too(topic: str) -> None:
    cache: LiveCache[int | None] = LiveCache(topic)
    assert cache.get("a", lambda: None) is None
    assert cache.get("a", lambda: 1) is None


def test_another_process_forgets_by_reading_the_window(cast: Cast, topic: str) -> None:
    cache: LiveCache[int] = LiveCache(topic)
    with scope.tenant(cast.acme.id):
        livecache.invalidate(topic, "a")
    cache.get("a", lambda: 1)  # as if this process had loaded it before the other one committed
    livecache.poll()
    assert cache.get("a", lambda: 2) == 2


def test_a_rolled_back_change_tells_nobody(cast: Cast, topic: str) -> None:
    cache: LiveCache[int] = LiveCache(topic)
    with pytest.raises(RuntimeError), scope.tenant(cast.acme.id):
        livecache.invalidate(topic, "a")
        raise RuntimeError
    cache.get("a", lambda: 1)
    livecache.poll()
    assert cache.get("a", lambda: 2) == 1


def test_a_value_loaded_while_it_was_invalidated_is_not_kept(topic: str) -> None:
    cache: LiveCache[int] = LiveCache(topic)

    def load() -> int:
        livecache.forget(topic, "a")
        return 1

    cache.get("a", load)
    assert cache.get("a", lambda: 2) == 2


def test_without_a_recent_poll_the_cache_is_bypassed(monkeypatch: pytest.MonkeyPatch, topic: str) -> None:
    cache: LiveCache[int] = LiveCache(topic)
    cache.get("a", lambda: 1)
    monkeypatch.setattr(livecache._poller, "_seen_at", 0.0)
    assert cache.get("a", lambda: 2) == 2
