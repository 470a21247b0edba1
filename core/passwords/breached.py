"""The offline list of known passwords: a committed Bloom filter, so that no password or prefix leaves us.

The file is made by `python -m core.data.build_breached`. A Bloom filter never misses a listed password and
wrongly names about one in a thousand others, whose owner then chooses another one.

File: magic `CLVB1`, number of hashes (1 byte), number of bits (4 bytes, big-endian), the bits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from .hashing import normalise

FILE = Path(__file__).resolve().parent.parent / "data" / "breached.bin"
MAGIC = b"CLVB1"

# The substitutions that guessing tools try first.
_plain = str.maketrans("@430!1$57", "aaeoiisst")


class BloomFilter:
    """Bits and double hashing over BLAKE2b (Kirsch and Mitzenmacher 2006)."""

    def __init__(self, bits: bytearray | bytes, hashes: int) -> None:
        self._bits, self._hashes, self._size = bits, hashes, len(bits) * 8

    @classmethod
    def build(cls, words: Iterable[str], size: int, hashes: int) -> BloomFilter:
        bits = bytearray(size // 8)
        made = cls(bits, hashes)
        for word in words:
            for place in made._places(word):
                bits[place >> 3] |= 1 << (place & 7)
        return made

    @classmethod
    def load(cls, data: bytes) -> BloomFilter:
        """Raises ValueError for a file of another make: a policy without its list must not pass silently."""
        head, bits = data[: len(MAGIC) + 5], data[len(MAGIC) + 5 :]
        if not head.startswith(MAGIC) or int.from_bytes(head[-4:], "big") != len(bits) * 8 or not bits:
            raise ValueError("not a breached-password filter")
        return cls(bits, head[len(MAGIC)])

    def dump(self) -> bytes:
        return MAGIC + bytes([self._hashes]) + self._size.to_bytes(4, "big") + bytes(self._bits)

    def __contains__(self, word: str) -> bool:
        return all(self._bits[place >> 3] >> (place & 7) & 1 for place in self._places(word))

    def _places(self, word: str) -> Iterator[int]:
        hashed = hashlib.blake2b(word.encode(errors="surrogatepass"), digest_size=16).digest()
        first, step = int.from_bytes(hashed[:8], "big"), int.from_bytes(hashed[8:], "big") | 1
        return ((first + turn * step) % self._size for turn in range(self._hashes))


def is_breached(password: str) -> bool:
    """Whether the password, or its plain spelling without usual substitutions, is on the list."""
    folded = normalise(password).casefold()
    return folded in _listed() or plain_spelling(folded) in _listed()


def plain_spelling(folded: str) -> str:
    """`p@ssw0rd` as `password`."""
    return folded.translate(_plain)


@lru_cache(maxsize=1)
def _listed() -> BloomFilter:
    return BloomFilter.load(FILE.read_bytes())
