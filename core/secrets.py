"""Machine secrets: their text form, and the keyed digests that stand for them at rest.

Secrets carry 256 random bits, so a keyed HMAC-SHA256 is enough and costs microseconds; slow hashes are for
passwords only (`core.passwords`). Each digest names its pepper: `settings.PEPPERS` is a list of
`(id, key bytes)` whose first entry makes new digests while all of them go on verifying.
"""

from __future__ import annotations

import hmac
import re
import secrets as random
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

PUBLIC_ID_LENGTH = 12  # 71 bits: found by lookup, not secret
SECRET_BYTES = 32
SECRET_LENGTH = 43  # 62**43 > 2**256
CHECKSUM_LENGTH = 6  # 62**6 > 2**32
BODY_LENGTH = PUBLIC_ID_LENGTH + SECRET_LENGTH + CHECKSUM_LENGTH

LONGEST = 96  # characters of a key with any prefix
OWN = "sk_"
MODES = {"sk_live_": "live", "sk_test_": "test"}
PREFIX_PATTERN = r"[a-z][a-z0-9]{1,9}_[a-z][a-z0-9]{1,9}_"

# Published for secret scanners; the second form also matches prefixes that tenants register.
KEY_PATTERN = rf"\bsk_(?:live|test|ws)_[0-9A-Za-z]{{{BODY_LENGTH}}}\b"
ANY_KEY_PATTERN = rf"\b{PREFIX_PATTERN}[0-9A-Za-z]{{{BODY_LENGTH}}}\b"

_prefix = re.compile(PREFIX_PATTERN, re.ASCII)
_key = re.compile(rf"({PREFIX_PATTERN})([0-9A-Za-z]{{{BODY_LENGTH}}})", re.ASCII)


def generate(prefix: str, nbytes: int = SECRET_BYTES) -> str:
    """A new secret: `prefix`, `nbytes` random bytes in base62 at fixed width, six characters of checksum."""
    return with_checksum(prefix + base62(random.token_bytes(nbytes)))


def new_token(prefix: str = "") -> str:
    """An opaque 256-bit token in URL-safe base64 (43 characters), for codes, links and refresh tokens."""
    return prefix + random.token_urlsafe(SECRET_BYTES)


@dataclass(frozen=True)
class ParsedKey:
    """An API key taken apart. `mode` is live or test where the prefix says so, else None."""

    prefix: str
    mode: str | None
    public_id: str
    secret: str = field(repr=False)

    @property
    def text(self) -> str:
        """The whole key as its owner holds it: shown once, never stored."""
        return with_checksum(self.prefix + self.public_id + self.secret)


def is_prefix(text: str) -> bool:
    return _prefix.fullmatch(text) is not None


def is_key(text: str) -> bool:
    """Whether a text is meant as an API key: begins as ours do, or has the whole form with another prefix."""
    return text.startswith(OWN) or (len(text) <= LONGEST and _key.fullmatch(text) is not None)


def generate_key(prefix: str) -> ParsedKey:
    """A new API key; `prefix` as in `sk_live_` or `sfk_prod_`. Raises ValueError for another shape."""
    if not is_prefix(prefix):
        raise ValueError("a key prefix is two lower-case words, each followed by an underscore")
    public_id = "".join(random.choice(ALPHABET) for _ in range(PUBLIC_ID_LENGTH))
    return ParsedKey(prefix, MODES.get(prefix), public_id, base62(random.token_bytes(SECRET_BYTES)))


def parse_key(text: str) -> ParsedKey:
    """Take an API key apart. Raises ValueError on a wrong shape or checksum, before any lookup is made."""
    match = _key.fullmatch(text) if len(text) <= LONGEST else None
    if match is None or not has_valid_checksum(text):
        raise ValueError("not a key")
    prefix, body = match.groups()
    return ParsedKey(
        prefix, MODES.get(prefix), body[:PUBLIC_ID_LENGTH], body[PUBLIC_ID_LENGTH:-CHECKSUM_LENGTH]
    )


def with_checksum(text: str) -> str:
    return text + _checksum(text)


def has_valid_checksum(text: str) -> bool:
    """Whether the last six characters are the CRC-32 of the rest: a typing and scanner check, not a proof."""
    if not text.isascii():
        return False
    return _checksum(text[:-CHECKSUM_LENGTH]) == text[-CHECKSUM_LENGTH:]


def _checksum(text: str) -> str:
    return _encode(zlib.crc32(text.encode()), CHECKSUM_LENGTH)


def base62(data: bytes) -> str:
    """Bytes as a big-endian base62 number, padded to the width that the largest value needs."""
    return _encode(int.from_bytes(data, "big"), base62_width(len(data)))


@lru_cache(maxsize=64)
def base62_width(nbytes: int) -> int:
    width, reach = 0, 1
    while reach < 1 << (8 * nbytes):
        width, reach = width + 1, reach * 62
    return width


def _encode(value: int, width: int) -> str:
    out = []
    for _ in range(width):
        value, digit = divmod(value, 62)
        out.append(ALPHABET[digit])
    return "".join(reversed(out))


def digest(secret: bytes | str, purpose: str) -> str:
    """What is stored instead of `secret`: `pepper_id$hex` of HMAC-SHA256 under the current pepper.

    `purpose` separates domains: the same text digested as a code and as a key gives unrelated values.
    """
    pepper_id, pepper = _peppers()[0]
    return f"{pepper_id}${_mac(pepper, 'digest', purpose, secret)}"


def matches(secret: bytes | str, stored: str, purpose: str) -> bool:
    """Whether `stored` is a digest of `secret` under any known pepper; constant time for a given pepper."""
    pepper_id, _, expected = stored.partition("$")
    for known_id, pepper in _peppers():
        if known_id == pepper_id:
            return hmac.compare_digest(_mac(pepper, "digest", purpose, secret).encode(), expected.encode())
    return False


def fingerprint(value: bytes | str, purpose: str) -> str:
    """A deterministic lookup value under the first pepper, for unique and indexed columns."""
    pepper_id, pepper = _peppers()[0]
    return f"{pepper_id}${_mac(pepper, 'fingerprint', purpose, value)}"


def fingerprints(value: bytes | str, purpose: str) -> list[str]:
    """The lookup values under every pepper, current first: `column IN (…)` finds rows of any age."""
    return [f"{pepper_id}${_mac(pepper, 'fingerprint', purpose, value)}" for pepper_id, pepper in _peppers()]


def _peppers() -> list[tuple[str, bytes]]:
    peppers: Iterable[tuple[str, bytes]] = settings.PEPPERS
    found = list(peppers)
    if not found:
        raise ImproperlyConfigured("PEPPERS is empty: set PEPPERS=id:base64key")
    return found


def _mac(pepper: bytes, use: str, purpose: str, value: bytes | str) -> str:
    data = value.encode() if isinstance(value, str) else value
    return hmac.digest(_purpose_key(pepper, use, purpose), data, "sha256").hex()


@lru_cache(maxsize=256)
def _purpose_key(pepper: bytes, use: str, purpose: str) -> bytes:
    return hmac.digest(pepper, f"claviger:{use}:{purpose}".encode(), "sha256")
