"""Writes to one object pass one after the other, through whichever door they come.

Two that come at once would otherwise both find the object as it was: what is deleted or suspended twice at the same
moment would be told twice, and of two changes under the same ETag one would be lost (RFC 9110 §13.1.1).
"""

from __future__ import annotations

import hashlib
import uuid

from django.db import connection

from core import ids

SUBJECT = "sub"  # the one kind of id that the API does not read as a number


def take(tenant_id: uuid.UUID, name: str) -> None:
    """Wait in the open transaction until earlier writes to this object of the tenant have ended."""
    place = hashlib.sha256(f"if-match:{tenant_id}:{name}".encode()).digest()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int.from_bytes(place[:8], "big", signed=True)])


def name_of(text: str) -> str:
    """Return an id of a page's address as the API names the same object."""
    prefix = text.partition("_")[0]
    try:
        return text if prefix == SUBJECT else str(ids.decode(prefix, text))
    except ids.MalformedId:
        return text
