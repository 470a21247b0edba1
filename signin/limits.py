"""How often may be tried (threats L1, M1): counted in PostgreSQL, before anything is compared.

Each rule allows some attempts at once, then makes the wait grow, and has a quota for its window. The
keys are keyed digests. Nobody can lock a person out for good: guessing from one network uses up that
network's rule first, a device that signed in before has a rule of its own, and mail recovery stays open.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil

from django.db import connection

from core import scope, secrets
from core.postgres.prepared import Prepared
from signin.errors import TooManyAttempts

HOUR, DAY, WEEK = 3600, 86_400, 604_800


@dataclass(frozen=True)
class Rule:
    """`free` attempts at once, then waits of 2, 4, 8 … up to `longest` seconds; `quota` in a window."""

    name: str
    quota: int
    window: int
    free: int
    longest: int = 900


@dataclass(frozen=True)
class Attempt:
    """A rule applied to what it counts by."""

    rule: Rule
    key: str

    @cached_property
    def digest(self) -> str:
        return secrets.fingerprint(f"{self.rule.name}:{self.key}", "signin.attempt")


GUESS_HERE = Rule("account_network", quota=20, window=DAY, free=5)
GUESS_ACCOUNT = Rule("account", quota=100, window=DAY, free=100)
GUESS_NETWORK = Rule("network", quota=100, window=600, free=100)
GUESS_DEVICE = Rule("account_device", quota=20, window=HOUR, free=5)
MAIL_ADDRESS = Rule("mail_address", quota=5, window=HOUR, free=3, longest=60)
MAIL_NETWORK = Rule("mail_network", quota=60, window=HOUR, free=60)
TEXT_NUMBER = Rule("text_number", quota=5, window=HOUR, free=2, longest=120)
TEXT_NETWORK = Rule("text_network", quota=20, window=HOUR, free=20)
TEXT_TENANT = Rule("text_tenant", quota=1000, window=HOUR, free=1000)  # what a flood may cost at most
GUEST_NETWORK = Rule("guest_network", quota=20, window=HOUR, free=20)
START_NETWORK = Rule("start_network", quota=600, window=600, free=600)
PROOF_NETWORK = Rule("proof_network", quota=100, window=600, free=100)
FACTOR_ACCOUNT = Rule("factor_account", quota=50, window=DAY, free=5)  # by whoever knows the password
CHALLENGE_NETWORK = Rule("challenge_network", quota=600, window=600, free=600)
# Of all tries since the person last got in, however long that takes: a hundred in all (NIST SP 800-63B-4 §3.2.2).
LONG = 10 * 365 * DAY
GUESS_EVER = Rule("account_ever", quota=70, window=LONG, free=70)
GUESS_DEVICE_EVER = Rule("account_devices_ever", quota=30, window=LONG, free=30)
FACTOR_EVER = Rule("factor_ever", quota=100, window=LONG, free=100)
GUESSES = (GUESS_HERE, GUESS_ACCOUNT, GUESS_NETWORK, GUESS_DEVICE, GUESS_EVER, GUESS_DEVICE_EVER)
PAUSED_NETWORK = Rule("paused_network", quota=30, window=HOUR, free=6, longest=60)  # forms without a script
BOT_NETWORK = Rule("bot_network", quota=1000, window=600, free=10, longest=0)  # counts, makes nobody wait
DEVICE_MEMBER = Rule("device_code_member", quota=20, window=HOUR, free=5)
DEVICE_NETWORK = Rule("device_code_network", quota=100, window=HOUR, free=100)

# One statement decides: parallel attempts queue on the rows, and each sees the counts of the one before. Where one
# of the rules is used up none is counted.
TAKE = Prepared("""
WITH asked AS (
  SELECT * FROM unnest(%(keys)s::text[], %(windows)s::int[], %(quotas)s::int[], %(frees)s::int[], %(longests)s::int[])
    AS a (key, seconds, quota, free, longest)
), held AS MATERIALIZED (
  SELECT next_at, expires_at FROM signin_attemptwindow WHERE key = ANY(%(keys)s) ORDER BY key FOR UPDATE
)
INSERT INTO signin_attemptwindow AS w (key, count, next_at, expires_at)
SELECT key, 1, clock_timestamp(), clock_timestamp() + seconds * interval '1 second' FROM asked
 WHERE NOT EXISTS (SELECT FROM held WHERE next_at > clock_timestamp() AND expires_at > clock_timestamp())
ON CONFLICT (key) DO UPDATE SET (count, expires_at, next_at) = (
  SELECT CASE WHEN w.expires_at <= clock_timestamp() THEN 1 ELSE w.count + 1 END,
         CASE WHEN w.expires_at <= clock_timestamp() THEN excluded.expires_at ELSE w.expires_at END,
         CASE WHEN w.expires_at <= clock_timestamp() THEN clock_timestamp()
              WHEN w.count + 1 >= a.quota THEN w.expires_at
              WHEN w.count + 1 >= a.free THEN clock_timestamp()
                + least(a.longest, power(2, least(w.count + 2 - a.free, 20))) * interval '1 second'
              ELSE clock_timestamp() END
    FROM asked a WHERE a.key = w.key)
WHERE w.next_at <= clock_timestamp() OR w.expires_at <= clock_timestamp()
RETURNING key, count
""")
ONCE = Prepared("""
INSERT INTO signin_attemptwindow AS w (key, count, next_at, expires_at)
VALUES (%(key)s, 1, clock_timestamp(), clock_timestamp() + %(seconds)s * interval '1 second')
ON CONFLICT (key) DO UPDATE SET expires_at = excluded.expires_at WHERE w.expires_at <= clock_timestamp()
RETURNING 1
""")
SETTLE = Prepared("""
WITH cleared AS (DELETE FROM signin_attemptwindow WHERE key = ANY(%s))
UPDATE signin_attemptwindow SET count = greatest(count - 1, 0), next_at = least(next_at, clock_timestamp())
 WHERE key = ANY(%s)
""")
WAIT = Prepared(
    "SELECT extract(epoch FROM next_at - clock_timestamp()) FROM signin_attemptwindow WHERE key = %s"
)


def take(attempts: Iterable[Attempt]) -> list[str]:
    """Count one try against each rule, in order; raises TooManyAttempts at the first that is used up.

    Runs in a transaction of its own, so the count outlives whatever the request comes to. Returns the names
    of the rules that begin to make people wait with this very try.
    """
    assert scope.current() is None, "attempts are counted outside of any scope"
    asked = list(attempts)
    counts = _count(asked)
    if len(counts) == len(asked):
        return _slowed(asked, counts)
    give_back([one for one in asked if one.digest in counts])  # of those that a parallel try left room for
    return _take_until_refused(asked)


def _count(attempts: Sequence[Attempt]) -> dict[str, int]:
    """Count them all, by their digests."""
    rules = [attempt.rule for attempt in attempts]
    values = {
        "keys": [attempt.digest for attempt in attempts],
        "windows": [rule.window for rule in rules],
        "quotas": [rule.quota for rule in rules],
        "frees": [rule.free for rule in rules],
        "longests": [rule.longest for rule in rules],
    }
    return dict(TAKE.all(values))


def _take_until_refused(attempts: Iterable[Attempt]) -> list[str]:
    """Count in order, and nothing behind the rule that refuses: it is not the later ones that are used up."""
    taken: list[Attempt] = []
    counts: dict[str, int] = {}
    for attempt in attempts:
        counted = _count([attempt])
        if not counted:
            raise TooManyAttempts(_wait(attempt), password=attempt.rule in GUESSES)
        taken.append(attempt)
        counts |= counted
    return _slowed(taken, counts)


def _slowed(attempts: Iterable[Attempt], counts: Mapping[str, int]) -> list[str]:
    tries = [(attempt.rule, counts[attempt.digest]) for attempt in attempts]
    return [rule.name for rule, count in tries if count in (rule.free, rule.quota)]


def _wait(attempt: Attempt) -> int:
    row = WAIT.first([attempt.digest])
    return max(1, ceil(row[0]) if row else 1)


def settle(*, own: Iterable[Attempt], shared: Iterable[Attempt]) -> None:
    """After a success clear a person's `own` counts and give back what was taken from `shared` ones."""
    SETTLE.post([[one.digest for one in own], [one.digest for one in shared]])


def counts(attempts: Iterable[Attempt]) -> dict[str, int]:
    """Return how many tries each rule has seen in its window, by the rule's name; counts nothing."""
    names = {attempt.digest: attempt.rule.name for attempt in attempts}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT key, count FROM signin_attemptwindow WHERE key = ANY(%s) AND expires_at > clock_timestamp()",
            [list(names)],
        )
        return {names[key]: count for key, count in cursor.fetchall()}


def ever(account_id: uuid.UUID) -> list[Attempt]:
    """Return what a success of the person takes back altogether."""
    return [Attempt(rule, str(account_id)) for rule in (GUESS_EVER, GUESS_DEVICE_EVER)]


def give_back(attempts: Iterable[Attempt]) -> None:
    """Take back one counted try of shared rules after a success, so that busy networks do not run dry."""
    keys = [attempt.digest for attempt in attempts]
    if not keys:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE signin_attemptwindow SET count = greatest(count - 1, 0),"
            " next_at = least(next_at, clock_timestamp()) WHERE key = ANY(%s)",
            [keys],
        )


def clear(attempts: Iterable[Attempt]) -> None:
    """Forget the tries of a person who has just proved who they are."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM signin_attemptwindow WHERE key = ANY(%s)", [[a.digest for a in attempts]])


def once(key: str, seconds: int) -> bool:
    """Whether this is the first time within so many seconds; of many at once one is. Joins an open transaction."""
    return bool(ONCE.all({"key": secrets.fingerprint(key, "signin.once"), "seconds": seconds}))
