"""The ways to sign in: their names in policies and events, and the `amr` words that sessions carry (AUT-12).

Registered words are used where RFC 8176 has one. The others are the method's own name: no word may stand for
two methods, or a session could pass for one that its policy refuses.
"""

from __future__ import annotations

from collections.abc import Iterable

PASSWORD, PASSKEY = "password", "passkey"
MAGIC_LINK, EMAIL_CODE, PHONE_CODE = "magic_link", "email_code", "phone_code"
WALLET, GUEST = "wallet", "guest"

CONNECTION, FEDERATED = "connection", "fed"  # a provider's word, switched at its connection, and its amr word

METHODS = (PASSWORD, PASSKEY, MAGIC_LINK, EMAIL_CODE, PHONE_CODE, WALLET, GUEST)
# What a mail could reset anyway is open from the start; what costs money or trust is the tenant's to allow.
DEFAULT = (PASSWORD, PASSKEY, MAGIC_LINK, EMAIL_CODE)
AMR = {
    PASSWORD: "pwd",
    MAGIC_LINK: MAGIC_LINK,
    EMAIL_CODE: EMAIL_CODE,
    PHONE_CODE: "sms",
    WALLET: WALLET,
    GUEST: GUEST,
}
_BY_AMR = {word: method for method, word in AMR.items()} | dict.fromkeys(("hwk", "swk", "pop"), PASSKEY)


def proved(amr: Iterable[str]) -> frozenset[str]:
    """Return the methods by which a session with these `amr` words was opened."""
    return frozenset(_BY_AMR[word] for word in amr if word in _BY_AMR)


def name_of(amr: Iterable[str]) -> str:
    """Return the one name under which a sign-in is recorded."""
    words = set(amr)
    if FEDERATED in words:
        return CONNECTION
    found = proved(words)
    return next((method for method in METHODS if method in found), PASSWORD)
