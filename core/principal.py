"""Principal: whoever a request acts as, the same shape behind every credential and page."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class SubjectType(StrEnum):
    """The closed list of `subject_type` (decision C27)."""

    USER = "user"
    GUEST = "guest"
    AGENT = "agent"
    SERVICE = "service"
    DELEGATED = "delegated"


@dataclass(frozen=True)
class Actor:
    """Who did it, in the words of an event: `type` is a SubjectType, `admin` or `system`.

    `id` is tenant-local (`sub_…`, `ak_…`, `app_…`), never a global account.
    """

    type: str
    id: str
    via: str = ""


@dataclass(frozen=True)
class Principal:
    """`permissions` is what the caller may do here (token or key scopes ∩ role permissions), expanded.

    `organization_id` None means a tenant-level principal; a set one confines it to that organization.
    `member_id` is set for people, `key_id` for API keys and their JWTs, `session_id` for tenant sessions.
    """

    subject_type: SubjectType
    subject: str
    tenant_id: uuid.UUID
    tenant_slug: str
    mode: str
    permissions: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    roles: tuple[str, ...] = ()
    organization_id: uuid.UUID | None = None
    member_id: uuid.UUID | None = None
    account_id: uuid.UUID | None = None
    session_id: uuid.UUID | None = None
    key_id: uuid.UUID | None = None
    client_id: str = ""
    acr: str = ""
    amr: tuple[str, ...] = ()
    auth_time: datetime | None = None
    owes: Mapping[str, Any] | None = None  # the sign-in still to be made (RFC 9470): acr_values, max_age
    actors: tuple[Actor, ...] = field(default=())
    is_admin_page: bool = False

    @property
    def actor(self) -> Actor:
        kind = "admin" if self.is_admin_page else self.subject_type.value
        return Actor(type=kind, id=self.subject, via=self.client_id)

    @property
    def credential(self) -> str:
        """What rate limits and idempotency count by: the key, else the session, else the subject."""
        return self.client_id if self.key_id else str(self.session_id or self.subject)

    def may(self, permission: str) -> bool:
        return permission in self.permissions


SYSTEM = Actor(type="system", id="system")
