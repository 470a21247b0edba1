"""WebAuthn challenges: random, held here, good once and for a few minutes (Web Authentication §13.4.3)."""

from __future__ import annotations

import secrets as random
from datetime import timedelta

from django.utils import timezone

from core import housekeeping, secrets
from identity.models import Challenge

LIFETIME = timedelta(minutes=10)
BYTES = 32
PURPOSE = "identity.challenge"


def issue(bound_to: str) -> bytes:
    """Return a new challenge, good once and only where `bound_to` is named again (purpose, browser, person)."""
    challenge = random.token_bytes(BYTES)
    digest = secrets.fingerprint(_place(challenge, bound_to), PURPOSE)
    Challenge.objects.create(digest=digest, expires_at=timezone.now() + LIFETIME)
    return challenge


def spend(challenge: bytes, bound_to: str) -> bool:
    """Use a challenge up by one statement; False for one that is unknown, used, too old or bound elsewhere."""
    digests = secrets.fingerprints(_place(challenge, bound_to), PURPOSE)
    live = Challenge.objects.filter(digest__in=digests, expires_at__gt=timezone.now())
    return live.delete()[0] == 1


def _place(challenge: bytes, bound_to: str) -> bytes:
    return bound_to.encode() + b"\0" + challenge


@housekeeping.sweep("identity_challenges")
def _sweep() -> int:
    from django.db import connections

    from core import scope

    statement = (
        "DELETE FROM identity_challenge WHERE digest IN"
        " (SELECT digest FROM identity_challenge WHERE expires_at < now() LIMIT 1000)"
    )
    with scope.relay(), connections["relay"].cursor() as cursor:
        cursor.execute(statement)
        return int(cursor.rowcount)
