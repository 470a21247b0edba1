"""The verbs of invitations: `sending` is the tenant's side, `answering` the invited person's."""

from invitations.services.answering import accept, decline, find, take, turn_down
from invitations.services.sending import LIFETIME, LONGEST, SHORTEST, invite, resend, revoke

__all__ = [
    "LIFETIME",
    "LONGEST",
    "SHORTEST",
    "accept",
    "decline",
    "find",
    "invite",
    "resend",
    "revoke",
    "take",
    "turn_down",
]
