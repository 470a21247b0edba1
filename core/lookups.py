"""Ids as they come in: one that is malformed is answered as one that is missing (api-conventions §1)."""

from __future__ import annotations

import uuid

from core import ids
from core.errors import NotFound


def id_or_missing(prefix: str, text: str) -> uuid.UUID:
    """Read a public id; raises NotFound for anything else, as if there were no such row."""
    try:
        return ids.decode(prefix, text)
    except ids.MalformedId:
        raise NotFound from None
