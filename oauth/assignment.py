"""Who may use an application at all: everyone, or some organizations and roles (APP-06).

Both lists hold public ids. A person must be at work in one of the organizations, where any is listed, and have
one of the roles there, where any is listed.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.db.models import QuerySet

from core import ids
from core.errors import FieldError, ValidationFailed
from oauth.clients import Client
from oauth.models import Application
from organizations import selectors as organizations
from organizations.models import Membership, Organization
from roles import authority
from roles import selectors as roles
from roles.models import Role

MOST = 100


def allows(client: Client, member_id: uuid.UUID, organization_id: uuid.UUID | None) -> bool:
    """Whether the member, at work in this organization, may use the client; in the open tenant scope."""
    if not client.assigned_organizations and not client.assigned_roles:
        return True
    if client.assigned_organizations and not _is_in(client, organization_id):
        return False
    if not client.assigned_roles:
        return True
    held = authority.role_ids_of(member_id, organization_id)
    return any(ids.encode(Role.PREFIX, role_id) in client.assigned_roles for role_id in held)


def _is_in(client: Client, organization_id: uuid.UUID | None) -> bool:
    if organization_id is None:
        return False
    return ids.encode(Organization.PREFIX, organization_id) in client.assigned_organizations


def has_another(client: Client, member_id: uuid.UUID) -> bool:
    """Whether the member belongs to some organization from which they could use the client."""
    mine = Membership.objects.filter(member_id=member_id, organization__status="active")
    return any(
        allows(client, member_id, organization_id)
        for organization_id in mine.values_list("organization_id", flat=True)
    )


def check(application: Application, changed: Collection[str]) -> None:
    """Raise ValidationFailed for what is unknown in the lists that are about to change."""
    known = {"assigned_organizations": organizations.organizations(), "assigned_roles": roles.roles()}
    faults = [
        fault
        for field, rows in known.items()
        if field in changed
        for fault in _faults(field, rows, getattr(application, field))
    ]
    if faults:
        raise ValidationFailed(errors=faults)


def _faults(field: str, rows: QuerySet[Any], listed: Sequence[str]) -> Iterable[FieldError]:
    if len(listed) > MOST:
        yield FieldError(f"/{field}", "too_many", f"At most {MOST}.")
        return
    there = {row.public_id for row in rows.filter(id__in=_readable(rows.model, listed))}
    for index, public_id in enumerate(listed):
        if public_id not in there:
            yield FieldError(f"/{field}/{index}", "unknown", "There is none with this id.")


def _readable(model: Any, public_ids: Iterable[str]) -> list[uuid.UUID]:
    found = []
    for public_id in public_ids:
        try:
            found.append(ids.decode(model.PREFIX, public_id))
        except ids.MalformedId:
            continue
    return found
