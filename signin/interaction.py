"""What a person came to the hosted pages for: carried from page to page as one signed value.

Nothing in it is trusted for access: whoever sent the person here checks again when they come back. The
signature keeps the application's name on our pages from being somebody else's words.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

from django.core import signing

from core import ids
from core.pages import safe_next
from identity import assurance

SALT = "signin.interaction"
LIFETIME = 86_400
HOME = "/account/"
MAX_NEXT = 6000


@dataclass(frozen=True)
class Interaction:
    """`asked_at` is when it began, in epoch seconds; the rest as in OIDC Core §3.1.2.1."""

    next: str = HOME
    prompt: str = ""
    max_age: int | None = None
    login_hint: str = ""
    organization: str = ""
    application: str = ""
    acr_values: str = ""
    ui_locales: str = ""
    asked_at: float = 0.0

    def dump(self, tenant: str) -> str:
        """Write it for the address bar; it is read under the same tenant only."""
        return signing.dumps({"t": tenant, **vars(self)}, salt=SALT, compress=True)

    @property
    def prompts(self) -> frozenset[str]:
        return frozenset(self.prompt.split())

    @property
    def wanted_levels(self) -> tuple[str, ...]:
        """The acr values of ours that would do, any of them; unknown ones are passed over."""
        return tuple(word for word in self.acr_values.split() if word in assurance.OFFERED)

    @property
    def organization_id(self) -> uuid.UUID | None:
        return uuid.UUID(self.organization) if self.organization else None

    @property
    def looks(self) -> dict[str, str]:
        """Return the query by which a page without this value knows whose looks to wear."""
        return {"organization": ids.encode("org", self.organization_id)} if self.organization_id else {}


def begin(
    *,
    next_url: str,
    prompt: str = "",
    max_age: int | None = None,
    login_hint: str = "",
    organization: uuid.UUID | None = None,
    application: str = "",
    acr_values: str = "",
    ui_locales: str = "",
) -> Interaction:
    """Return a new one; an address outside our origin becomes the start page (threat L9)."""
    return Interaction(
        next=safe_next(next_url[:MAX_NEXT], HOME),
        prompt=prompt,
        max_age=max_age,
        login_hint=login_hint[:254],
        organization=str(organization or ""),
        application=application[:120],
        acr_values=acr_values[:500],
        ui_locales=ui_locales[:200],
        asked_at=time.time(),
    )


def read(values: Mapping[str, Any], tenant: str) -> Interaction:
    """Read it from a query or form; plain values begin one without an application's name."""
    written = values.get("interaction", "")
    if written:
        return load(written, tenant)
    return begin(
        next_url=values.get("next", ""),
        prompt=values.get("prompt", "")[:60],
        login_hint=values.get("login_hint", ""),
        acr_values=values.get("acr_values", ""),
        organization=_organization(values.get("organization", "")),
    )


def _organization(public_id: str) -> uuid.UUID | None:
    """Return the organization to work in; the pages check that the person belongs to it."""
    try:
        return ids.decode("org", public_id[:60])
    except ids.MalformedId:
        return None


def load(written: str, tenant: str) -> Interaction:
    """Open a signed value; a foreign, old or changed one counts as none."""
    try:
        return _opened(written, tenant, int(time.time()) // 60)
    except signing.BadSignature:
        return begin(next_url="")


@lru_cache(maxsize=1024)
def _opened(written: str, tenant: str, minute: int) -> Interaction:
    """Check the signature once within a minute: each page reads the same value several times."""
    found = signing.loads(written, salt=SALT, max_age=LIFETIME)
    if found.pop("t", None) != tenant:
        raise signing.BadSignature("it was written under another tenant")
    return Interaction(**{name: value for name, value in found.items() if name in _NAMES})


_NAMES = frozenset(field.name for field in fields(Interaction))
