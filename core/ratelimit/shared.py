"""The count that all nodes share: one script in Valkey checks and counts all limits of a request at once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import lru_cache

import redis
import structlog
from redis.commands.core import Script

from core import valkey

from .limits import Count, Limit

log = structlog.get_logger(__name__)

PAUSE = 1.0  # seconds without a try after a failure, so that requests do not queue for the time-out

# A key is a hash: i, the window's number; c and p, the counts of that window and the one before it. A clock
# that steps back gives nothing back. Replies: admitted, then current, previous, elapsed for each key.
SCRIPT = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local cost = tonumber(ARGV[1])
local admitted, reply, found = 1, {}, {}
for n, key in ipairs(KEYS) do
  local quota, length = tonumber(ARGV[2 * n]), tonumber(ARGV[2 * n + 1])
  local index = math.floor(now / length)
  local elapsed = math.floor((now / length - index) * 1000000)
  local stored = redis.call('HMGET', key, 'i', 'c', 'p')
  local at = tonumber(stored[1] or index)
  local current, previous = tonumber(stored[2] or 0), tonumber(stored[3] or 0)
  if at == index - 1 then current, previous = 0, current
  elseif at < index then current, previous = 0, 0 end
  if current + math.ceil(previous * (1000000 - elapsed) / 1000000) + cost > quota then admitted = 0 end
  found[n] = {index, current, previous, length}
  reply[3 * n - 1], reply[3 * n], reply[3 * n + 1] = current, previous, elapsed
end
if admitted == 1 then
  for n, key in ipairs(KEYS) do
    local f = found[n]
    redis.call('HSET', key, 'i', f[1], 'c', f[2] + cost, 'p', f[3])
    redis.call('EXPIRE', key, 2 * f[4])
  end
end
reply[1] = admitted
return reply
"""

_paused_until = 0.0


def take(keys: Sequence[str], limits: Sequence[Limit], cost: int) -> list[Count] | None:
    """Count `cost` if every limit has room; returns the counts before it, None without an answer in time."""
    global _paused_until
    if time.monotonic() < _paused_until:
        return None
    arguments = [cost, *(number for limit in limits for number in (limit.quota, limit.window))]
    try:
        reply = _script(valkey.client())(keys=keys, args=arguments)
    except valkey.ValkeyError as error:
        _paused_until = time.monotonic() + PAUSE
        log.warning("rate limits fall back to this process", error=type(error).__name__)
        return None
    return [Count(*(int(number) for number in reply[start : start + 3])) for start in range(1, len(reply), 3)]


@lru_cache(maxsize=4)
def _script(client: redis.Redis) -> Script:
    return client.register_script(SCRIPT)
