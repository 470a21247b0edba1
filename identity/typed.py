"""Codes as people type and paste them."""

from __future__ import annotations

import re
import unicodedata

BETWEEN = re.compile(r"[\s\-\u2010-\u2015]+")


def bare(code: str) -> str:
    """Return a code without what stands between its characters, and with the digits of any keyboard as ASCII."""
    return BETWEEN.sub("", unicodedata.normalize("NFKC", code))
