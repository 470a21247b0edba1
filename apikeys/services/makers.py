"""Who may make a machine credential, where, and with how much authority (AZ-08; threats K2, A6, D5)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from apikeys.models import ApiKey
from core.errors import FieldError, OrgMismatch, SubjectTypeNotAllowed, ValidationFailed
from core.principal import Principal, SubjectType
from organizations.models import Organization
from roles import scope_words
from roles import selectors as roles
from roles.guards import may_grant
from roles.models import ApiResource
from roles.permissions import ORGANIZATION

MAKERS = frozenset({SubjectType.USER, SubjectType.SERVICE})


@dataclass(frozen=True)
class Maker:
    """The person whose authority a new key borrows, and the key that asked for it, if one did."""

    member_id: uuid.UUID
    key: ApiKey | None


def maker_of(actor: Principal) -> Maker:
    """Return who stands behind `actor`; a key's keys borrow from the person who made the key.

    Agents and delegates make no keys, and an application has no person to borrow from: raises
    SubjectTypeNotAllowed.
    """
    if actor.subject_type in MAKERS and actor.key_id is not None:
        key = ApiKey.objects.get(tenant_id=actor.tenant_id, id=actor.key_id)
        return Maker(key.maker_id, key)
    if actor.subject_type is SubjectType.USER and actor.member_id is not None:
        return Maker(actor.member_id, None)
    raise SubjectTypeNotAllowed(
        "Keys are made by people, or by keys that people made.", required={"subject_types": ["user"]}
    )


def organization_for(actor: Principal, organization: Organization | None) -> uuid.UUID | None:
    """Return the organization of what `actor` makes: its own one, if it is bound to one."""
    wanted = organization.id if organization else None
    if actor.organization_id is None:
        return wanted
    if wanted not in (None, actor.organization_id):
        raise OrgMismatch
    return actor.organization_id


def declared_scopes(resource: ApiResource, wanted: Iterable[str]) -> list[str]:
    """Return the native scopes meant by `wanted`, sorted; bundles and `members:*` are expanded (decision C6).

    Raises ValidationFailed for none at all, or for words that the resource does not declare.
    """
    known = roles.declared_in(resource)
    found: set[str] = set()
    for word in wanted:
        meant = scope_words.meaning(word, known)
        if not meant:
            raise _invalid("unknown_scope", f"{resource.name} has no scope {word!r}.")
        found |= set(meant)
    if not found:
        raise _invalid("required", "A key needs at least one scope.")
    return sorted(found)


def require_within(
    actor: Principal, resource: ApiResource, scopes: Iterable[str], organization_id: uuid.UUID | None
) -> None:
    """Refuse to hand out more than the actor has; only our own `/v1` is measured in permissions."""
    if not resource.is_control_plane:
        return
    words = frozenset(scopes)
    if organization_id is not None and (beyond := words - ORGANIZATION):
        named = " ".join(sorted(beyond))
        raise _invalid("beyond_organization", f"A key of an organization cannot have {named}.")
    may_grant(actor, sorted(words))


def _invalid(code: str, detail: str) -> ValidationFailed:
    return ValidationFailed(errors=[FieldError("/scopes", code, detail)])
