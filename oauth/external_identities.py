"""Who at an outside issuer is which member: found, made where the issuer may, linked with proof of both sides.

Issuer and subject decide. An address is never a reason to take somebody for a member (threat F1).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from core import ids, livecache, ports
from core.errors import Conflict, NotFound
from core.livecache import LiveCache
from core.principal import Actor, Principal
from core.uniqueness import unique_or
from events.services import emit
from oauth import outside_tokens, trusted_issuers
from oauth.clients import in_tenant
from oauth.models import ExternalIdentity, TrustedIssuer
from oauth.outside_tokens import Issuer
from organizations import selectors as organization_selectors
from organizations import services as organization_services
from organizations.models import Organization, OrganizationStatus
from roles import guards
from roles import services as role_services
from roles.models import Role, RoleAssignment
from roles.permissions import Permission
from tenants import members
from tenants.models import Member
from tenants.selectors import TenantRef

TOPIC = "external_identity"
_live: LiveCache[str] = LiveCache(TOPIC)


class Unknown(Exception):
    """The token is genuine, but nobody of this tenant; the argument says why, for a developer."""


@dataclass(frozen=True)
class Arrival:
    """Somebody whom an outside token has brought, and the organization that it speaks of."""

    identity: ExternalIdentity
    member_id: uuid.UUID
    organization_id: uuid.UUID | None


def arrive(issuer: Issuer, claims: Mapping[str, Any]) -> Arrival:
    """Return the member behind a verified token, in the open tenant scope; made now if the issuer may.

    Organization and mapped roles follow the token each time. Raises Unknown.
    """
    row = TrustedIssuer.objects.filter(id=issuer.id, disabled_at=None).first()
    if row is None:
        raise Unknown("The issuer is not trusted any more.")
    identity = _identity(row, issuer, claims)
    organization = _organization(row, issuer, claims)
    if organization is not None and not organization_selectors.belongs(identity.member_id, organization.id):
        _join(row, identity, organization)
    _follow_roles(row, issuer, claims, identity, organization)
    return Arrival(identity, identity.member_id, organization.id if organization else None)


def _identity(row: TrustedIssuer, issuer: Issuer, claims: Mapping[str, Any]) -> ExternalIdentity:
    subject = outside_tokens.subject_of(issuer, claims)
    mine = ExternalIdentity.objects.filter(trusted_issuer=row, subject=subject)
    found = mine.first()
    if found is not None:
        return found
    if not row.create_members:
        raise Unknown("This person is not linked to a member, and the issuer may not create any.")
    try:
        with transaction.atomic():
            return _create(row, issuer, claims, subject)
    except IntegrityError:  # somebody else was faster with the same person
        return mine.get()


def _create(row: TrustedIssuer, issuer: Issuer, claims: Mapping[str, Any], subject: str) -> ExternalIdentity:
    email = outside_tokens.text_of(issuer, claims, "email", 254)
    email = email if email.count("@") == 1 else ""
    member = members.create_member(
        actor=Actor("service", row.public_id),
        email=email,
        name=outside_tokens.text_of(issuer, claims, "name", 200),
        email_verified=bool(email) and row.trust_email and claims.get("email_verified") is True,
        signed_in_at=timezone.now(),
    )
    return _link(row, member, subject, Actor("user", member.subject))


def _link(row: TrustedIssuer, member: Member, subject: str, actor: Actor) -> ExternalIdentity:
    identity = ExternalIdentity.objects.create(trusted_issuer=row, member=member, subject=subject)
    emit("identity.linked", actor=actor, object=describe(identity, row, member.subject))
    return identity


def _organization(row: TrustedIssuer, issuer: Issuer, claims: Mapping[str, Any]) -> Organization | None:
    """The issuer's own, or the one that the token names by its id or by the tenant's own key for it."""
    named = outside_tokens.text_of(issuer, claims, "organization", 120)
    active = organization_selectors.organizations().filter(status=OrganizationStatus.ACTIVE)
    if row.organization_id:
        found = active.filter(id=row.organization_id).first()
    elif named:
        found = active.filter(external_id=named).first() or _by_public_id(active, named)
    else:
        return None
    if found is None:
        raise Unknown("The organization that the token speaks of is not here.")
    return found


def _by_public_id(rows: QuerySet[Organization], text: str) -> Organization | None:
    try:
        return rows.filter(id=ids.decode(Organization.PREFIX, text)).first()
    except ids.MalformedId:
        return None


def _join(row: TrustedIssuer, identity: ExternalIdentity, organization: Organization) -> None:
    if not row.create_members:
        raise Unknown("The member does not belong to the organization that the token speaks of.")
    member = Member.objects.get(id=identity.member_id)
    try:
        organization_services.add_member_as_system(
            organization=organization, member=member, actor=Actor("service", row.public_id)
        )
    except Conflict:
        if not organization_selectors.belongs(member.id, organization.id):
            raise Unknown("The organization or the member is gone.") from None


def _named_roles(row: TrustedIssuer, issuer: Issuer, claims: Mapping[str, Any]) -> dict[uuid.UUID, Role]:
    """Return the roles that the token's words are mapped to; ownership comes from no token."""
    words = set(outside_tokens.words_of(issuer, claims, "roles"))
    return {
        role.id: role
        for role in trusted_issuers.mapped_roles(row)
        if not guards.is_owner_role(role) and any(row.roles.get(word) == role.public_id for word in words)
    }


def _follow_roles(
    row: TrustedIssuer,
    issuer: Issuer,
    claims: Mapping[str, Any],
    identity: ExternalIdentity,
    organization: Organization | None,
) -> None:
    """Give the mapped roles that the token names and take those it gave before and no longer names.

    Roles that somebody of the tenant gave, or that a group gives, are left alone.
    """
    if not row.roles and not identity.assignments:
        return
    wanted = _named_roles(row, issuer, claims)
    actor, place = Actor("service", row.public_id), organization.id if organization else None
    held = RoleAssignment.objects.filter(member_id=identity.member_id, group=None).select_related(
        "role", "member"
    )
    given = [one for one in held if one.public_id in identity.assignments]
    for one in given:
        if one.role_id not in wanted or one.organization_id != place:
            role_services.remove(actor=actor, assignment=one)
    present = {one.role_id for one in held if one.organization_id == place}
    kept = [one.public_id for one in given if one.role_id in wanted and one.organization_id == place]
    member = Member.objects.get(id=identity.member_id) if wanted.keys() - present else None
    for role_id in wanted.keys() - present:
        assert member is not None
        made = role_services.assign_role_as_system(
            actor=actor, member=member, role=wanted[role_id], organization=organization
        )
        kept.append(made.public_id)
    if kept != identity.assignments:
        identity.assignments = kept
        identity.save(update_fields=["assignments", "updated_at"])


def link(*, actor: Principal, issuer: Issuer, claims: Mapping[str, Any]) -> ExternalIdentity:
    """Link the caller to the person of a verified token: both sides are proved (threat F1).

    Raises Conflict where either is linked already, NotFound for an issuer that is gone.
    """
    row = trusted_issuers.issuers().filter(id=issuer.id, disabled_at=None).first()
    if row is None or actor.member_id is None:
        raise NotFound
    member = Member.objects.get(id=actor.member_id)
    with unique_or(Conflict("You, or this identity, are linked already. Unlink first.")):
        return _link(row, member, outside_tokens.subject_of(issuer, claims), actor.actor)


def unlink(*, actor: Principal, identity: ExternalIdentity) -> None:
    """Undo a link, one's own or as an administrator; tokens that were issued on it end with it."""
    if identity.member_id != actor.member_id:
        ports.authority.require(actor, Permission.POLICIES_WRITE, identity)
    with transaction.atomic():
        subject = Member.objects.values_list("subject", flat=True).get(id=identity.member_id)
        livecache.invalidate(TOPIC, str(identity.id))
        gone = describe(identity, identity.trusted_issuer, subject)
        ExternalIdentity.objects.filter(id=identity.id).delete()
        emit("identity.unlinked", actor=actor.actor, object=gone)


def identities(**narrowed: Any) -> QuerySet[ExternalIdentity]:
    return ExternalIdentity.objects.filter(**narrowed).select_related("trusted_issuer", "member")


def identity(identity_id: uuid.UUID, **narrowed: Any) -> ExternalIdentity:
    """Return an identity of a member or of an issuer; raises NotFound."""
    found = identities(id=identity_id, **narrowed).first()
    if found is None:
        raise NotFound
    return found


def issuer_of(tenant: TenantRef, identity_id: uuid.UUID) -> str:
    """Return the name of the issuer that an identity hangs on, empty where it was unlinked; remembered."""
    return _live.get(str(identity_id), lambda: _load(tenant, identity_id))


def _load(tenant: TenantRef, identity_id: uuid.UUID) -> str:
    with in_tenant(tenant.id):
        rows = ExternalIdentity.objects.filter(id=identity_id)
        return rows.values_list("trusted_issuer__issuer", flat=True).first() or ""


def describe(identity: ExternalIdentity, issuer: TrustedIssuer, member: str) -> dict[str, Any]:
    return {
        "id": identity.public_id,
        "object": "external_identity",
        "issuer": issuer.issuer,
        "trusted_issuer": issuer.public_id,
        "member": member,
    }
