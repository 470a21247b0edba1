"""Work that a browser does before a form is taken, so that a program pays for each try (ANC-23). No third party.

The browser looks for a number with which SHA-256 of "nonce:number" begins with so many zero bits: on average 2 to
that power tries, for one check here. What is offered is signed, good for ten minutes, once, in this browser, at
this form. Without scripts a pause of ten seconds does as well: few of those are taken from one network.

A person's browser sends back what it was given. Answers that none would send (forged, of another form, unsolved,
used before) and the field that no person sees, filled in, are signs of a program. They are counted by network, not
by account; many of them are `attack.bot.detected`. Each single one only means more work.
"""

from __future__ import annotations

import hashlib
import math
import secrets as random
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core import signing

from core import ids, secrets
from core.network import current_network
from core.principal import Actor
from events.services import emit
from signin import limits, risk
from signin.devices import Browser
from signin.errors import ChallengeRequired
from signin.flows import flow_scope
from signin.limits import Attempt
from tenants.selectors import TenantRef

SALT = "signin.challenge"
LIFETIME = 600  # seconds
TRAP = "website"  # a field that people do not see
PAUSE = 10  # seconds without a script
OF_A_NETWORK = 5  # times as many failures as of one account make a network's next form ask
SHARED = frozenset({limits.GUESS_NETWORK.name, limits.MAIL_NETWORK.name})
SIGN_IN, SIGN_UP, RECOVERY = "sign_in", "sign_up", "recovery"
REFUSALS = {SIGN_IN: "signin.failed", SIGN_UP: "signup.blocked", RECOVERY: "recovery.denied"}


@dataclass(frozen=True)
class Door:
    """A form that may ask: its name, where it stands, and whose; `flow` where there is one already."""

    name: str
    tenant: TenantRef | None
    browser: Browser
    flow: str = ""

    @property
    def place(self) -> str:
        where = f"{self.name}:{self.tenant.id if self.tenant else ''}:{self.browser.value}:{self.flow}"
        return secrets.fingerprint(where, SALT)


@dataclass(frozen=True)
class Challenge:
    """What the form carries. `seconds` are still to wait where no script runs."""

    token: str
    nonce: str
    bits: int
    seconds: int


@dataclass(frozen=True)
class Answer:
    """What came back with the form; `solution` is empty where no script ran, `trap` wherever a person typed."""

    token: str = ""
    solution: str = ""
    trap: str = ""

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Answer:
        return cls(values.get("challenge", ""), values.get("solution", ""), values.get(TRAP, ""))


NOTHING = Answer()


class Forged(ChallengeRequired):
    """An answer that no browser sends which only does what its page says."""


def offer(door: Door) -> Challenge:
    bits, nonce = risk.policy_at(door.tenant).challenge_bits, random.token_hex(16)
    written = {"nonce": nonce, "bits": bits, "at": time.time(), "place": door.place}
    return Challenge(signing.dumps(written, salt=SALT), nonce, bits, PAUSE)


def is_due(door: Door, counted: Iterable[Attempt]) -> bool:
    """Whether the form asks now: always, never, or after failures that `counted` rules have seen.

    Nothing depends on whether there is an account (L2): addresses are counted alike.
    """
    policy = risk.policy_at(door.tenant)
    when = getattr(policy, f"challenge_{door.name}")
    if when != "after_failures":
        return bool(when == "always")
    seen = limits.counts(counted)
    most = {name: policy.challenge_after * (OF_A_NETWORK if name in SHARED else 1) for name in seen}
    return any(count >= most[name] for name, count in seen.items())


def shown(door: Door, counted: Iterable[Attempt]) -> Challenge | None:
    """Return what a form carries when it is shown, None where nothing is asked."""
    return offer(door) if is_due(door, counted) else None


def demand(door: Door, counted: Iterable[Attempt], answer: Answer, *, always: bool = False) -> None:
    """Take the answer where one is due, before anything is compared or sent.

    Raises ChallengeRequired, with what to show, and TooManyAttempts where too many came without a script.
    """
    if answer.trap:
        _suspect(door, "hidden_field")
    elif not always and not is_due(door, counted):
        return
    limits.take([Attempt(limits.PROOF_NETWORK, current_network())])
    try:
        _take(door, answer)
    except ChallengeRequired as problem:
        _record(door, REFUSALS[door.name], door.name, "challenge")
        if isinstance(problem, Forged):
            _suspect(door, "forged_work")
        raise


def _suspect(door: Door, reason: str) -> None:
    """Count a sign of a program, and record once per window that one is at work."""
    if limits.take([Attempt(limits.BOT_NETWORK, current_network())]):
        _record(door, "attack.bot.detected", "sign_in", reason)


def _record(door: Door, event: str, about: str, reason: str) -> None:
    described = {"id": ids.encode("flow", ids.uuid7()), "object": about, "reason": reason}
    with flow_scope(door.tenant):
        emit(event, actor=Actor("user", "unknown"), object=described)


def _take(door: Door, answer: Answer) -> None:
    try:
        known = signing.loads(answer.token, salt=SALT, max_age=LIFETIME)
    except signing.SignatureExpired:
        raise ChallengeRequired(offer(door)) from None
    except signing.BadSignature:
        # None at all is how a form comes that was shown before failures made it ask.
        raise (Forged if answer.token else ChallengeRequired)(offer(door)) from None
    if known["place"] != door.place:
        raise Forged(offer(door))
    if answer.solution:
        if not is_solved(known["nonce"], known["bits"], answer.solution):
            raise Forged(offer(door))
    else:
        left = math.ceil(known["at"] + PAUSE - time.time())
        if left > 0:
            raise ChallengeRequired(Challenge(answer.token, known["nonce"], known["bits"], left))
        limits.take([Attempt(limits.PAUSED_NETWORK, current_network())])
    if not limits.once(f"challenge:{known['nonce']}", LIFETIME):
        raise Forged(offer(door))


def is_solved(nonce: str, bits: int, solution: str) -> bool:
    if len(solution) > 20 or not (solution.isascii() and solution.isdecimal()):
        return False
    found = hashlib.sha256(f"{nonce}:{solution}".encode()).digest()
    return int.from_bytes(found[:8], "big") >> (64 - bits) == 0
