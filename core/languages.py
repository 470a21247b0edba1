"""Which of our languages a person reads, from the tags that somebody else lists."""

from __future__ import annotations

from django.utils.translation import get_supported_language_variant

LONGEST = 200


def first_known(tags: str) -> str:
    """Return our first language among BCP 47 tags separated by spaces, best first; empty for none of them.

    That is the form of `ui_locales` (OpenID Connect Core §3.1.2.1), which never is an error.
    """
    for tag in tags[:LONGEST].split():
        try:
            return get_supported_language_variant(tag.lower())
        except LookupError:
            continue
    return ""
