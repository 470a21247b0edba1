"""Public identifiers: a prefix and a sortable 128-bit value in Crockford base 32.

`org_01kb3v9z6tf8r…` is the UUIDv7 row key written so that it can be read aloud, double-clicked and
sorted by age. Subjects (`sub_`) are the exception: random, so that they say nothing about when or in
which order people joined.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
import uuid
from functools import lru_cache

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH = 26
_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]  # two characters at once
_SHIFTS = range(120, -1, -10)
_VALUES = {character: value for value, character in enumerate(ALPHABET)}
_lock = threading.Lock()
_last = 0
_random = memoryview(b"")  # drawn ahead: each system call would hand the interpreter to another thread
DRAWN = 4096


def _forget_drawn() -> None:
    """A process that was forked must not go on with the same numbers, nor wait for a thread that it has not."""
    global _lock, _random
    _lock, _random = threading.Lock(), memoryview(b"")


os.register_at_fork(after_in_child=_forget_drawn)


class MalformedId(ValueError):
    """The text is not an identifier with the prefix that was asked for."""


def uuid7() -> uuid.UUID:
    """Return a new UUIDv7 (RFC 9562 §5.7), strictly rising within this process."""
    return uuid.UUID(int=_new())


def _new() -> int:
    global _last, _random
    with _lock:
        stamp = max(time.time_ns() // 1000 * 4096 // 1000, _last + 1)  # 48 bit ms, 12 bit fraction
        _last = stamp
        if not _random:
            _random = memoryview(os.urandom(DRAWN))
        drawn, _random = _random[:8], _random[8:]
    milliseconds, fraction = stamp >> 12, stamp & 0xFFF
    tail = int.from_bytes(drawn, "big") & (1 << 62) - 1
    return milliseconds << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | tail


@lru_cache(maxsize=20_000)  # the same tenants, members and keys stand in one answer after the other
def encode(prefix: str, value: uuid.UUID) -> str:
    """Write `value` as `prefix_` and 26 characters."""
    return _write(prefix, value.int)


def _write(prefix: str, number: int) -> str:
    return f"{prefix}_{''.join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])}"


def decode(prefix: str, text: str) -> uuid.UUID:
    """Read an identifier written by `encode`; raises MalformedId for anything else."""
    head, _, tail = text.partition("_")
    if head != prefix or len(tail) != LENGTH or tail[0] > "7":
        raise MalformedId(text)
    number = 0
    for character in tail:
        value = _VALUES.get(character)
        if value is None:
            raise MalformedId(text)
        number = number << 5 | value
    return uuid.UUID(int=number)


def new_subject() -> str:
    """Return a new pairwise subject: 128 random bits, unlinkable and not sortable."""
    return _write("sub", secrets.randbits(128))


def new_request_id() -> str:
    return _write("req", _new())
