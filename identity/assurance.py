"""How sure we are of who signed in: the `acr` values of this product (OIDC Core §2).

Each level satisfies those below it. Whoever adds a way to prove oneself adds its level to OFFERED.
"""

from __future__ import annotations

from collections.abc import Iterable

GUEST = "0"
PASSWORD = "urn:claviger:acr:pwd"  # one factor
MULTI_FACTOR = "urn:claviger:acr:mfa"  # two factors
PHISHING_RESISTANT = "urn:claviger:acr:phr"  # bound to our own origin

# The levels that a person can reach on the hosted pages; discovery names them.
OFFERED: tuple[str, ...] = (PASSWORD, MULTI_FACTOR, PHISHING_RESISTANT)
# The longer name stands in sessions that were opened before the vocabulary was settled.
_RANKS = {
    GUEST: 0,
    PASSWORD: 1,
    "urn:claviger:acr:password": 1,
    MULTI_FACTOR: 2,
    PHISHING_RESISTANT: 3,
}


def satisfies(acr: str, wanted: str) -> bool:
    """Whether a sign-in at `acr` is at least what was wanted; an unknown demand is never met."""
    return wanted in _RANKS and _RANKS.get(acr, -1) >= _RANKS[wanted]


# What a policy may say of a sign-in's factors, and the level that it means.
DEMANDS = {"any": "", "second_factor": MULTI_FACTOR, "passkey": PHISHING_RESISTANT}


def strictest(levels: Iterable[str]) -> str:
    """Return the highest of several demands, empty where nothing is demanded."""
    return max((level for level in levels if level), key=lambda level: _RANKS.get(level, 99), default="")


def meets_any(acr: str, wanted: Iterable[str]) -> bool:
    """Whether a sign-in at `acr` is one of those that are acceptable; no wish is always met."""
    levels = tuple(wanted)
    return not levels or any(satisfies(acr, level) for level in levels)
