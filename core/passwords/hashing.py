"""Argon2id for passwords, with a bound on how many hashes run at once.

Each hash takes 19 MiB and about 17 ms of one core (OWASP's and RFC 9106's smaller profile). Without a bound a
burst of sign-ins would take the memory and the cores of everything else, so callers wait a little and are
then turned away with HasherBusy, which a door answers as 503 with Retry-After.
"""

from __future__ import annotations

import os
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher, get_hasher

MAX_LENGTH = 256  # characters, before and after normalisation


class HasherBusy(Exception):
    """All places for hashing are taken and none came free in time: try again shortly."""


class _Gate:
    """At most `places` holders; a newcomer waits at most `wait` seconds."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._places: threading.BoundedSemaphore | None = None
        self._lock = threading.Lock()

    def _semaphore(self) -> threading.BoundedSemaphore:
        with self._lock:
            if self._places is None:
                places = getattr(settings, "PASSWORD_HASH_PLACES", None) or os.cpu_count() or 1
                self._places = threading.BoundedSemaphore(places)
            return self._places

    @contextmanager
    def place(self) -> Iterator[None]:
        semaphore = self._semaphore()
        if not semaphore.acquire(timeout=getattr(settings, "PASSWORD_HASH_WAIT", 2.0)):
            raise HasherBusy
        try:
            yield
        finally:
            semaphore.release()


gate = _Gate()
os.register_at_fork(after_in_child=gate.reset)  # a place taken in the parent is never given back here


class Argon2idHasher(Argon2PasswordHasher):
    """Argon2id, 19 MiB, two passes, one lane; the text is normalised first (NIST SP 800-63B §3.1.1.2)."""

    time_cost = 2
    memory_cost = 19 * 1024  # KiB
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        """Raises ValueError for a text over MAX_LENGTH, HasherBusy when no place comes free."""
        if is_too_long(password):
            raise ValueError(f"a password has at most {MAX_LENGTH} characters")
        with gate.place():
            return super().encode(normalise(password), salt)

    def verify(self, password: str, encoded: str) -> bool:
        """False at once for a text over MAX_LENGTH: no stored hash can match. Raises HasherBusy."""
        if is_too_long(password):
            return False
        with gate.place():
            return super().verify(normalise(password), encoded)


class FastArgon2idHasher(Argon2idHasher):
    """The same form at no cost, for test runs only; the deployment check refuses it in production."""

    time_cost = 1
    memory_cost = 8


def normalise(password: str) -> str:
    """NFKC, so that one password typed on two keyboards is one password."""
    return password if password.isascii() else unicodedata.normalize("NFKC", password)


def is_too_long(password: str) -> bool:
    return len(password) > MAX_LENGTH or len(normalise(password)) > MAX_LENGTH


def burn(password: str) -> None:
    """Spend the time of one verification when there is no account to verify against (threat L2)."""
    hasher = get_hasher("default")
    if not is_too_long(password):
        hasher.encode(password, hasher.salt())
