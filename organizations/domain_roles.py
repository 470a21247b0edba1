"""What domains need to know of roles, which the app above keeps: it registers itself here."""

from __future__ import annotations

import uuid
from typing import Protocol

from core.principal import Principal
from organizations.models import Organization
from tenants.models import Member


class Roles(Protocol):
    def offered(self, actor: Principal, organization: Organization) -> list[tuple[str, str]]:
        """Return the roles that the actor may let people have who come by an address: public id and name."""

    def check(self, actor: Principal, organization: Organization, role_id: uuid.UUID) -> None:
        """Raise GrantExceedsOwn, NotFound or ValidationFailed unless it is one of those."""

    def give(self, member: Member, organization: Organization, role_id: uuid.UUID) -> None:
        """Give the role to somebody who has just come; one that has become an administrator's is not given."""

    def administrators(self, organization: Organization) -> list[Member]:
        """Return who runs the organization; where nobody does, who runs the tenant."""


_kept: list[Roles] = []


def keep(roles: Roles) -> None:
    _kept.append(roles)


def roles() -> Roles:
    return _kept[0]
