"""How far an authorization request has come in this browser: a signed mark in its address.

The mark is good for one request only, so that an answer to one demand for a fresh sign-in does not
answer the next one too (threat O15).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from django.core import signing

from core.urls import tenant_path
from tenants.selectors import TenantRef

NAME = "asked"  # our own parameter
LONGEST = 3600  # seconds
_signer = signing.TimestampSigner(salt="oauth.asked")


@dataclass(frozen=True)
class Mark:
    """We sent the request on; `asked_at` is when we last sent the person to sign in for it, if ever."""

    asked_at: datetime | None = None


def write(front: Mapping[str, str], asked_at: datetime | None) -> str:
    return _signer.sign(f"{int(asked_at.timestamp()) if asked_at else 0}.{_digest(front)}")


def read(text: str, front: Mapping[str, str]) -> Mark | None:
    """Return our own mark on this very request, None without a genuine one."""
    try:
        seconds, _, digest = _signer.unsign(text, max_age=LONGEST).partition(".")
    except signing.BadSignature:
        return None
    if digest != _digest(front):
        return None
    return Mark(datetime.fromtimestamp(int(seconds), UTC) if int(seconds) else None)


def address(tenant: TenantRef, page: str, front: Mapping[str, str], asked_at: datetime | None) -> str:
    """Return the path of `page` with the request and a mark on it."""
    return f"{tenant_path(tenant.slug, page)}?{urlencode({**front, NAME: write(front, asked_at)})}"


def _digest(front: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(sorted(front.items())).encode()).hexdigest()[:32]
