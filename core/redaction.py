"""What no log may show (threat U2): values whose name or shape says that they are secret."""

from __future__ import annotations

import re

from core.secrets import ANY_KEY_PATTERN

SECRET_NAMES = re.compile(
    r"password|secret|token|authorization|cookie|api_?key|code_verifier|assertion|credential", re.I
)
SECRET_VALUES = re.compile(
    rf"{ANY_KEY_PATTERN}|"
    r"\b((?:sk|clv)_[a-z_]+_?[0-9A-Za-z]{20,}|whsec_[\w+/=-]{16,}|eyJ[\w-]{8,}\.[\w-]+\.[\w-]*)"
)
REDACTED = "[redacted]"


def is_secret_name(name: str) -> bool:
    return SECRET_NAMES.search(name) is not None


def redacted(text: str) -> str:
    """Return the text with everything blanked that is shaped like a key, a webhook secret or a token."""
    return SECRET_VALUES.sub(REDACTED, text)
