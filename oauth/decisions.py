"""What a person decided on the consent page, read from its form and held to what was asked."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta

from django.utils import timezone

from oauth.catalogue import OPENID
from oauth.clients import Client
from oauth.consent_details import Given
from oauth.consents import Life

DAYS = 30
UNTIL_REVOKED, THIRTY_DAYS, SESSION = "revoked", "days", "session"
NO_EMAIL = "none"
LIVES = (UNTIL_REVOKED, THIRTY_DAYS, SESSION)


@dataclass(frozen=True)
class Decision:
    """`email` is the address that the tenant is to have, empty to leave it as it is, NO_EMAIL to have none.
    `given` is what goes with it (oauth.consent_details).
    """

    is_given: bool
    scopes: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    declined: tuple[str, ...] = ()
    life: Life = field(default_factory=Life)
    email: str = ""
    given: Given = field(default_factory=Given)


REFUSED = Decision(is_given=False)


def is_required(client: Client, scope: str) -> bool:
    """Whether a person cannot leave the scope out and go on."""
    return scope == OPENID or scope in client.required_scopes


def decide(
    client: Client,
    scopes: Collection[str],
    claims: Collection[str],
    *,
    dropped: Collection[str],
    life: str,
    session_id: uuid.UUID,
    email: str = "",
) -> Decision:
    """Return the decision of somebody who allowed `scopes` and `claims` but for what they dropped."""
    left = {scope for scope in scopes if scope in dropped and not is_required(client, scope)}
    gone = {claim for claim in claims if claim in dropped}
    return Decision(
        is_given=len(left) < len(scopes) or len(gone) < len(claims),
        scopes=tuple(scope for scope in scopes if scope not in left),
        claims=tuple(claim for claim in claims if claim not in gone),
        declined=tuple(word for word in (*scopes, *claims) if word in left or word in gone),
        life=_life(life, session_id),
        email=email,
    )


def _life(choice: str, session_id: uuid.UUID) -> Life:
    if choice == SESSION:
        return Life(session_id=session_id)
    return Life(until=timezone.now() + timedelta(days=DAYS)) if choice == THIRTY_DAYS else Life()
