"""What claim mapping may speak of: the facts of one token, looked up only where a rule asks for them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core import ids
from organizations import names
from organizations.models import Organization
from tenants.selectors import TenantRef


@dataclass(frozen=True)
class Facts:
    """The subject of a token; `roles`, `groups` and `permissions` are asked for when a rule wants them."""

    tenant: TenantRef
    subject: str
    subject_type: str
    client_id: str = ""
    email: str = ""
    name: str = ""
    organization_id: uuid.UUID | None = None
    scopes: Iterable[str] = ()
    roles: Callable[[], Iterable[str]] = tuple
    groups: Callable[[], Iterable[str]] = tuple
    permissions: Callable[[], Iterable[str]] = tuple
    metadata: Mapping[str, str] = field(default_factory=dict)

    def read(self, source: str) -> Any:
        """Return the value of a source (see roles.claim_mapping.SOURCES); empty where there is none."""
        if source in ("roles", "groups", "permissions"):
            return sorted(getattr(self, source)())
        if source == "scopes":
            return list(self.scopes)
        if source.startswith("organization_"):
            return self._organization(source.removeprefix("organization_"))
        if source == "tenant_id":
            return self.tenant.public_id
        if source == "tenant_slug":
            return self.tenant.slug
        return getattr(self, source)

    def _organization(self, part: str) -> str:
        if self.organization_id is None:
            return ""
        if part == "id":
            return ids.encode(Organization.PREFIX, self.organization_id)
        named = names.of(self.tenant.id, self.organization_id)
        return getattr(named, part) if named else ""
