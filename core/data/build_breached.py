"""Make `breached.bin`, the offline filter of known passwords: `python -m core.data.build_breached`.

The source is the list of common passwords in the zxcvbn package (30,000 by frequency, from leaks), widened by
what people do to reach a length: an ending, the word twice, two words, walks over the keyboard. Only texts of
eight characters or more are kept, because the policy refuses shorter ones anyway.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from zxcvbn.frequency_lists import FREQUENCY_LISTS

from core.passwords.breached import FILE, BloomFilter, plain_spelling
from core.passwords.policy import SECOND_FACTOR_LENGTH

BITS = 2**21  # 256 KiB
HASHES = 11
CAPACITY = BITS // 16  # 16 bits a word: about one wrong answer in two thousand

ENDINGS = (
    "1", "12", "123", "1234", "12345", "!", "1!", "123!", "01", "2023", "2024", "2025", "2026", "2024!",
    "2025!",
)  # fmt: skip
ROWS = (
    "1234567890", "0987654321", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertyuiopasdfghjklzxcvbnm",
    "abcdefghijklmnopqrstuvwxyz", "1qaz2wsx3edc4rfv5tgb6yhn7ujm", "q1w2e3r4t5y6u7i8o9p0", "qwertzuiop",
    "azertyuiop", "1q2w3e4r5t6y7u8i9o0p", "123qweasdzxc", "qazwsxedcrfvtgb",
)  # fmt: skip
SEASONS = ("spring", "summer", "autumn", "winter", "welcome", "password", "changeme", "letmein", "admin")
LONGEST_WALK = 32


def main() -> None:
    words = list(islice(listed(), CAPACITY))
    FILE.write_bytes(BloomFilter.build(words, BITS, HASHES).dump())
    print(f"{len(words)} words, {FILE.stat().st_size} bytes in {FILE.name}")  # noqa: T201


def listed() -> Iterator[str]:
    """Everything to refuse, most frequent first, each once and folded."""
    seen: set[str] = set()
    for word in candidates(list(FREQUENCY_LISTS["passwords"])):
        for form in (word.casefold(), plain_spelling(word.casefold())):
            if len(form) >= SECOND_FACTOR_LENGTH and form not in seen:
                seen.add(form)
                yield form


def candidates(common: list[str]) -> Iterator[str]:
    yield from common
    yield from walks()
    yield from (season + ending for season in SEASONS for ending in (*ENDINGS, *map(str, range(1950, 2031))))
    yield from (first + second for first in common[:120] for second in common[:120])
    yield from (word * times for word in common[:6000] for times in (2, 3))
    yield from with_endings(common[:6000])


def with_endings(words: Iterable[str]) -> Iterator[str]:
    return (word + ending for word in words for ending in ENDINGS)


def walks() -> Iterator[str]:
    """Pieces of keyboard rows and of rows that run on from their start again."""
    for row in ROWS:
        for line in (row, row[::-1]):
            endless = line * (LONGEST_WALK // len(line) + 2)
            for start in range(len(line)):
                for length in range(SECOND_FACTOR_LENGTH, LONGEST_WALK + 1):
                    yield endless[start : start + length]


if __name__ == "__main__":
    main()
