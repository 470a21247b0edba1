"""What claim mapping would say in the tokens of one member: before anybody signs in with it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from core import ports
from core.errors import NotFound
from core.principal import Principal, SubjectType
from organizations import selectors as organizations
from roles import authority, claim_mapping, group_selectors
from roles.claim_facts import Facts
from roles.permissions import Permission
from tenants import selectors
from tenants.models import Member


def preview(
    *,
    actor: Principal,
    rules: Iterable[Mapping[str, Any]],
    member: Member,
    tokens: Iterable[str],
    organization_id: uuid.UUID | None = None,
    scopes: Iterable[str] = (),
) -> dict[str, dict[str, Any]]:
    """Return the mapped claims by kind of token. Nothing is stored, nothing is signed.

    Raises InsufficientScope or InsufficientRole without members:read, NotFound for an organization that the
    member does not belong to.
    """
    ports.authority.require(actor, Permission.MEMBERS_READ, member)
    tenant = selectors.by_id(member.tenant_id)
    if tenant is None or (organization_id and not organizations.belongs(member.id, organization_id)):
        raise NotFound
    facts = Facts(
        tenant,
        subject=member.subject,
        subject_type=SubjectType.USER.value,
        email=member.email,
        name=member.name,
        organization_id=organization_id,
        scopes=tuple(scopes),
        roles=lambda: authority.roles_of(member.id, organization_id),
        groups=lambda: group_selectors.names_of(member.id, organization_id),
        permissions=lambda: authority.permissions_of(member.id, organization_id),
        metadata=member.metadata,
    )
    compiled = claim_mapping.compiled(rules)
    return {token: claim_mapping.claims(compiled, token, facts.read) for token in tokens}
