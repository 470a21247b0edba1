"""What a new password must be (requirement AUT-03; NIST SP 800-63B-4 §3.1.1).

Length and the list of known passwords decide; classes of characters only where a tenant asks for them, since
they lead people to `Password1!`. The zxcvbn score is advice for the meter, never a verdict.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from .breached import is_breached
from .hashing import MAX_LENGTH, is_too_long, normalise

SOLE_FACTOR_LENGTH = 15
SECOND_FACTOR_LENGTH = 8
CONTEXT_WORD_LENGTH = 4
SHORTEST_PERIOD = 5
ZXCVBN_LENGTH = 72

_classes = (str.islower, str.isupper, str.isdigit, lambda character: not character.isalnum())


@dataclass(frozen=True)
class Finding:
    """One reason why a password is refused: a stable code and a sentence for the person."""

    code: str
    message: str | Promise


@dataclass(frozen=True)
class PasswordRules:
    """What a tenant asks beyond the default. It can only add: the longer length wins."""

    min_length: int = 0
    classes: int = 0  # of lower case, upper case, digits, other: how many must occur

    @classmethod
    def preset(cls, name: str) -> PasswordRules:
        """`default`, or `twelve_four_classes` for those whose auditors want it. Raises KeyError."""
        return {"default": cls(), "twelve_four_classes": cls(min_length=12, classes=4)}[name]


def check_password_policy(
    password: str,
    *,
    sole_factor: bool = True,
    tenant_rules: PasswordRules | None = None,
    context_words: Iterable[str] = (),
) -> list[Finding]:
    """All reasons to refuse `password`, none when it is good.

    `context_words` are what an attacker tries first: names, parts of the e-mail address, the tenant's name.
    """
    if is_too_long(password):
        return [Finding("too_long", _("Use at most %(count)d characters.") % {"count": MAX_LENGTH})]
    text, rules = normalise(password), tenant_rules or PasswordRules()
    found = [
        _check_length(text, rules, sole_factor=sole_factor),
        _check_classes(text, rules.classes),
        _check_repetition(text),
        _check_context(text, context_words),
        _check_breached(text),
    ]
    return [finding for finding in found if finding is not None]


def needs_factor(password: str) -> bool:
    """Whether it is long enough beside a second factor only."""
    return len(normalise(password)) < SOLE_FACTOR_LENGTH


def _check_length(text: str, rules: PasswordRules, *, sole_factor: bool) -> Finding | None:
    least = max(SOLE_FACTOR_LENGTH if sole_factor else SECOND_FACTOR_LENGTH, rules.min_length)
    return None if len(text) >= least else too_short(least)


def too_short(least: int) -> Finding:
    message = ngettext_lazy("Use at least %(count)d character.", "Use at least %(count)d characters.", least)
    return Finding("too_short", message % {"count": least})


def _check_classes(text: str, wanted: int) -> Finding | None:
    if sum(any(map(is_member, text)) for is_member in _classes) >= wanted:
        return None
    return Finding(
        "too_few_classes",
        _("Use %(count)d of: lower case, upper case, digits, other characters.") % {"count": wanted},
    )


def _check_repetition(text: str) -> Finding | None:
    """A short piece over and over is as weak as the piece."""
    folded = text.casefold()
    period = (folded + folded).find(folded, 1)
    if 0 < period < min(SHORTEST_PERIOD, len(folded)):
        return Finding("repetitive", _("Do not repeat the same few characters."))
    return None


def _check_context(text: str, words: Iterable[str]) -> Finding | None:
    folded = text.casefold()
    rest = folded
    for word in sorted(_parts(words), key=len, reverse=True):
        rest = rest.replace(word, "")
    if rest != folded and len(rest) < SECOND_FACTOR_LENGTH:
        return Finding(
            "contains_context", _("Do not build it from your name, e-mail address or this site's name.")
        )
    return None


def _parts(words: Iterable[str]) -> set[str]:
    pieces = {piece for word in words for piece in (word, *re.split(r"[\W_]+", word))}
    return {normalise(piece).casefold() for piece in pieces if len(piece) >= CONTEXT_WORD_LENGTH}


def _check_breached(text: str) -> Finding | None:
    if is_breached(text):
        return Finding(
            "breached", _("This password is known to attackers from earlier leaks. Choose another.")
        )
    return None


@dataclass(frozen=True)
class Strength:
    """zxcvbn's estimate: score 0 (guessed at once) to 4 (strong), and its advice in English, maybe empty."""

    score: int
    advice: str = ""


def strength(password: str, context_words: Iterable[str] = ()) -> Strength:
    """Advice for a meter. Only the first 72 characters are looked at: the estimate's cost grows steeply."""
    from zxcvbn import zxcvbn  # its word lists cost 20 MB: loaded where the meter is used

    if not password:
        return Strength(0)
    estimate = zxcvbn(normalise(password)[:ZXCVBN_LENGTH], user_inputs=list(context_words)[:20])
    return Strength(estimate["score"], estimate["feedback"]["warning"])
