"""What a scope's word stands for: itself, a bundle, or a wildcard over native scopes (AZ-01, AZ-02, C6)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,120}\Z")  # RFC 6749 §3.3
WILDCARD = ":*"


def meaning(word: str, declared: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return the native scopes that `word` stands for, none where it stands for nothing.

    `declared` gives for each scope of one resource what it bundles, nothing for a native one. A wildcard
    reaches no bundle, and no other resource: what it may not do today it does not do tomorrow by a new name.
    """
    if word in declared:
        return expanded(declared[word], declared) if declared[word] else (word,)
    if word.endswith(WILDCARD) and len(word) > len(WILDCARD):
        return tuple(value for value in declared if value.startswith(word[:-1]) and not declared[value])
    return ()


def expanded(words: Iterable[str], declared: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return the native scopes of several words, each once, in order."""
    return tuple(dict.fromkeys(value for word in words for value in meaning(word, declared)))


def bundle_fault(value: str, bundles: Sequence[str], declared: Mapping[str, Sequence[str]]) -> str:
    """Return why a bundle cannot stand for `bundles`, or an empty string."""
    for word in bundles:
        if word == value or declared.get(word):
            return f"{word} is a bundle itself: name native scopes or a wildcard over them."
        if not meaning(word, declared):
            return f"This API has no scope {word}."
    return ""
