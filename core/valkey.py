"""The one client for Valkey: short waits, safe over threads and forks.

Nothing that must survive lives here (threat R6), so every caller has an answer for ValkeyError.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import Any

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

ValkeyError = redis.RedisError
BUDGET = 0.05  # seconds for one exchange: the cache hastens, so a slow one is as good as none


class CleanPool(redis.ConnectionPool):
    """Never hands on a connection on which a reply may still come (threat A8).

    redis-py looks for unread data when it lends a connection, which misses a reply that is still under way.
    Here a connection given back while an exception passes is closed first. redis-py itself starts anew after
    a fork and serves one thread at a time with each connection.
    """

    def release(self, connection: Any) -> None:
        if sys.exc_info()[0] is not None:
            connection.disconnect()
        super().release(connection)


def client() -> redis.Redis:
    """The shared client on `settings.REDIS_URL`; replies are bytes. Raises ValkeyError when used and down."""
    return _client(settings.REDIS_URL)


@lru_cache(maxsize=4)
def _client(url: str) -> redis.Redis:
    pool = CleanPool.from_url(
        url,
        protocol=2,
        socket_timeout=BUDGET,
        socket_connect_timeout=BUDGET,
        # One more try on a connection that the server closed meanwhile; a late answer is not asked for twice.
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
        health_check_interval=0,
    )
    return redis.Redis(connection_pool=pool)
