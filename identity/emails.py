"""E-mail addresses: one canonical form for each mailbox, and the keyed digest that stands for it (L6).

Compatibility characters are folded (NFKC), case is ignored, domains are written in their IDNA 2008
form (RFC 5891). What could be mistaken for another address is refused rather than guessed at: local
parts outside ASCII, and domain labels that mix Latin with another alphabet (UTS #39 §5.2).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property

import idna

from core import secrets
from core.errors import FieldError, ValidationFailed

MAX_LENGTH = 254
LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z")
LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")
PURPOSE = "email"
EAST_ASIAN = frozenset({"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"})


@dataclass(frozen=True)
class Address:
    """`mailbox` is what is mailed, with the case the person typed; `canonical` is what is compared."""

    mailbox: str
    canonical: str

    @cached_property
    def digest(self) -> str:
        """The lookup value under the current pepper."""
        return secrets.fingerprint(self.canonical, PURPOSE)

    @cached_property
    def digests(self) -> list[str]:
        """The lookup values under every pepper, current first."""
        return secrets.fingerprints(self.canonical, PURPOSE)

    @property
    def domain(self) -> str:
        return self.canonical.rpartition("@")[2]

    @property
    def words(self) -> list[str]:
        """What a password must not be built from."""
        return [self.canonical, *self.canonical.split("@")]


class InvalidAddress(ValueError):
    """The text is not an address that we send mail to."""


def parse(text: str) -> Address:
    """Read an address as a person typed it; raises InvalidAddress."""
    folded = unicodedata.normalize("NFKC", text.strip())
    local, at, domain = folded.rpartition("@")
    if not at or len(folded) > MAX_LENGTH or len(local) > 64 or not LOCAL.match(local):
        raise InvalidAddress
    host = canonical_domain(domain)
    if len(local) + 1 + len(host) > MAX_LENGTH:
        raise InvalidAddress
    return Address(f"{local}@{host}", f"{local.casefold()}@{host}")


def read(text: str, pointer: str = "/email") -> Address:
    """As `parse`, for services; raises ValidationFailed naming the field."""
    try:
        return parse(text)
    except InvalidAddress:
        error = FieldError(pointer, "invalid", "Write an e-mail address such as name@example.com.")
        raise ValidationFailed(errors=[error]) from None


def canonical_domain(text: str) -> str:
    """Return a domain in the form in which domains are compared, its IDNA 2008 one; raises InvalidAddress."""
    text = unicodedata.normalize("NFKC", text.strip())
    if any(_is_mixed(label) for label in text.split(".")):
        raise InvalidAddress
    try:
        host = idna.encode(text, uts46=True, transitional=False).decode("ascii")
    except idna.IDNAError:
        raise InvalidAddress from None
    labels = host.split(".")
    if len(labels) < 2 or not all(LABEL.match(label) for label in labels) or labels[-1].isdigit():
        raise InvalidAddress
    if any(_is_mixed(_unicode(label)) for label in labels):
        raise InvalidAddress
    return host


def readable_domain(host: str) -> str:
    """Return a canonical domain as its people write it, `bücher.example` for `xn--bcher-kva.example`."""
    return ".".join(_unicode(label) for label in host.split("."))


def _unicode(label: str) -> str:
    try:
        return idna.decode(label)
    except idna.IDNAError:
        raise InvalidAddress from None


def _is_mixed(label: str) -> bool:
    """Whether a label mixes alphabets that share letter shapes; Japanese and Korean mix lawfully."""
    scripts = {unicodedata.name(character, "?").split()[0] for character in label if character.isalpha()}
    return len(scripts - EAST_ASIAN) > 1
