"""Fetching the document at a client's address, within bounds of size, time and how long it is believed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.utils import timezone

from core import outbound
from oauth.errors import InvalidClientMetadata

LONGEST = 120  # characters of an address
FETCH = outbound.Limits(connect=2, total=3, max_bytes=32 * 1024)
# How long a document is believed.
LEAST, DEFAULT, LIMIT = timedelta(minutes=5), timedelta(hours=1), timedelta(hours=24)


@dataclass(frozen=True)
class Fetched:
    """A document as it came; no `metadata` when it has not changed."""

    expires_at: datetime
    etag: str
    digest: str = ""
    metadata: Mapping[str, Any] | None = None


class Unreachable(Exception):
    """The host gave no usable answer just now; an earlier document may go on for a while."""


def address_fault(address: str) -> str:
    """Return why an address cannot be a client id (section 3 of the draft), or an empty string."""
    try:
        parts = urlsplit(address)
        usable = (
            bool(parts.hostname) and parts.path not in ("", "/") and not parts.username and not parts.password
        )
    except ValueError:
        return "not a URL"
    if not usable or "#" in address or "\\" in address or re.search(r"(^|/)\.{1,2}(/|$)", parts.path):
        return "a path is needed; no fragment, no user name, no dot segments"
    if len(address) > LONGEST:
        return f"longer than {LONGEST} characters"
    try:
        return "" if outbound.validate_url(address) == address else "not in its normal form"
    except outbound.OutboundRefused:
        return "not a public https address"


def fetch(address: str, etag: str = "") -> Fetched:
    """Return the document at an address. Raises Unreachable, and InvalidClientMetadata for what is none."""
    headers = {"Accept": "application/json", **({"If-None-Match": etag} if etag else {})}
    try:
        answer = outbound.request("GET", address, headers=headers, limits=FETCH)
        if answer.status == 304 and etag:
            return Fetched(_expiry(answer.headers), etag)
        if answer.status >= 500 or answer.status == 429:
            raise Unreachable
        if answer.status != 200 or not _is_json(answer.headers.get("content-type", "")):
            raise InvalidClientMetadata(f"The address answers {answer.status}, not a JSON document.")
        metadata = answer.json()
    except outbound.OutboundFailed as failure:
        if failure.reason in ("too_large", "protocol", "encoding"):
            raise InvalidClientMetadata("The document cannot be read, or is larger than 32 KiB.") from None
        raise Unreachable from None
    except outbound.OutboundRefused:
        raise InvalidClientMetadata("The address cannot be called.") from None
    if not isinstance(metadata, dict):
        raise InvalidClientMetadata("The document is not a JSON object.")
    digest = hashlib.sha256(answer.body).hexdigest()
    return Fetched(_expiry(answer.headers), answer.headers.get("etag", "")[:200], digest, metadata)


def _is_json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def _expiry(headers: Mapping[str, str]) -> datetime:
    """RFC 9111 §5.2 within our bounds: a host can neither make us ask always nor never again."""
    control = headers.get("cache-control", "").lower()
    named = re.search(r"max-age=(\d{1,9})", control)
    asked = timedelta(seconds=int(named[1])) if named else DEFAULT
    if "no-store" in control or "no-cache" in control:
        asked = LEAST
    return timezone.now() + min(max(asked, LEAST), LIMIT)
