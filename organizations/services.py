"""Organizations: creating, changing, deleting them; who belongs to them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from django.db import transaction

from core import livecache, ports
from core.errors import Conflict, FieldError, NotFound, ValidationFailed
from core.principal import SYSTEM, Actor, Principal
from core.uniqueness import unique_or
from events.services import emit
from organizations import policy as policies
from organizations import selectors
from organizations.errors import SlugTaken
from organizations.models import Departure, Membership, Organization, OrganizationStatus
from tenants import logos, members
from tenants import selectors as tenants
from tenants.models import Member, MemberStatus, TenantSession
from tenants.sessions import end_session

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")
EDITABLE = ("name", "slug", "external_id", "metadata", "policy", "branding", "status")
Leaving = Callable[[Principal, Membership], None]
Ending = Callable[[Principal, Organization], None]
_leaving: list[Leaving] = []
_ending: list[Ending] = []


def before_leaving(hook: Leaving) -> Leaving:
    """Register what happens before a member leaves; a hook that raises keeps them in."""
    _leaving.append(hook)
    return hook


def before_ending(hook: Ending) -> Ending:
    """Register what ends with an organization: roles, keys, invitations of higher apps."""
    _ending.append(hook)
    return hook


def create_organization(
    *,
    actor: Principal,
    name: str,
    slug: str = "",
    external_id: str | None = None,
    metadata: Mapping[str, str] | None = None,
    policy: Mapping[str, Any] | None = None,
) -> Organization:
    """Create an organization; without a slug one is made of the name. Raises SlugTaken, ValidationFailed.

    Only callers of the tenant create organizations: nobody inside one brings forth another.
    """
    organization = Organization(
        name=name,
        name_search=name.casefold(),
        slug=slug or slug_of(name),
        external_id=external_id or None,
        metadata=dict(metadata or {}),
        policy=policies.merged({}, policy or {}),
    )
    ports.authority.require(actor, "organizations:write", organization)
    check_slug(organization.slug)
    policies.check(tenants.policy(), organization.policy)
    with transaction.atomic():
        store(organization)
        shown = describe(organization, external_id=organization.external_id, status=organization.status)
        emit("organization.created", actor=actor.actor, organization_id=organization.id, object=shown)
    return organization


def slug_of(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:63].rstrip("-") or "organization"


def check_slug(slug: str) -> None:
    if not SLUG.match(slug):
        detail = (
            "1 to 63 lower-case letters, digits and hyphens, beginning and ending with a letter or digit."
        )
        raise ValidationFailed(errors=[FieldError("/slug", "invalid", detail)])


def store(organization: Organization, *fields: str) -> None:
    with unique_or(SlugTaken):
        if fields:
            organization.save(update_fields=[*fields, "updated_at"])
        else:
            organization.save(force_insert=True)


def update_organization(
    *, actor: Principal, organization: Organization, changes: Mapping[str, Any]
) -> Organization:
    """Change name, slug, external id, metadata, policy, branding or status (active, suspended).

    `policy` is merged (see organizations.policy). Raises ValidationFailed.
    """
    ports.authority.require(actor, "organizations:write", organization)
    if "policy" in changes:
        changes = {**changes, "policy": policies.merged(organization.policy, changes["policy"])}
    before = {n: getattr(organization, n) for n in changes if getattr(organization, n) != changes[n]}
    if not before:
        return organization
    check_changes(actor, {name: changes[name] for name in before})
    for name in before:
        assert name in EDITABLE, name
        setattr(organization, name, changes[name])
    organization.name_search = organization.name.casefold()
    with transaction.atomic():
        store(organization, *before, "name_search")
        if "status" in before:
            feel(organization)
        else:
            forget(organization)
        after = describe(organization, **{name: changes[name] for name in before})
        emit(
            "organization.updated",
            actor=actor.actor,
            organization_id=organization.id,
            object=after,
            previous=before,
        )
    return organization


def check_changes(actor: Principal, changes: Mapping[str, Any]) -> None:
    """What only the tenant decides about an organization is not for its own people to change."""
    if "slug" in changes:
        check_slug(changes["slug"])
    if "policy" in changes:
        policies.check(tenants.policy(), changes["policy"])
    reserved = sorted(changes.keys() & {"slug", "external_id", "status"})
    if actor.organization_id is not None and reserved:
        errors = [FieldError(f"/{name}", "reserved", "Only the tenant changes this.") for name in reserved]
        raise ValidationFailed(errors=errors)


def forget(organization: Organization) -> None:
    """Let every process forget what it remembers of an organization."""
    own = str(organization.id)
    livecache.invalidate("organization", own, f"{organization.tenant_id}:{own}")


def feel(organization: Organization) -> None:
    """Let everybody in the organization, and its caches, feel that it changed."""
    forget(organization)
    for member_id in sorted(selectors.memberships(organization).values_list("member_id", flat=True)):
        members.bump_authority(member_id)


def delete_organization(*, actor: Principal, organization: Organization, reason: str = "") -> None:
    """Delete an organization: memberships, roles, keys, invitations and sessions in it end; history stays.

    Raises Conflict for a caller inside the organization: only the tenant deletes it.
    """
    ports.authority.require(actor, "organizations:write", organization)
    if actor.organization_id is not None:
        raise Conflict("Only the tenant deletes an organization. Ask its administrators.")
    with transaction.atomic():
        present = Organization.objects.select_for_update().filter(id=organization.id)
        if present.exclude(status=OrganizationStatus.DELETED).first() is None:
            raise NotFound
        for hook in _ending:
            hook(actor, organization)
        end_sessions(organization, None, "organization_deleted", actor.actor)
        feel(organization)
        Membership.objects.filter(organization=organization).delete()
        logos.drop_all(organization.id)
        before, organization.status = organization.status, OrganizationStatus.DELETED
        organization.external_id = None
        store(organization, "status", "external_id")
        emit(
            "organization.deleted",
            actor=actor.actor,
            organization_id=organization.id,
            object=describe(organization, status=organization.status),
            previous={"status": before},
        )


def add_member(*, actor: Principal, organization: Organization, member: Member) -> Membership:
    """Let a member of the tenant belong to an organization. Raises Conflict if they do already."""
    ports.authority.require(actor, "organizations:write", organization)
    if actor.organization_id is not None:
        raise Conflict("From within an organization people join by invitation. Invite this person.")
    return add_member_as_system(organization=organization, member=member, actor=actor.actor)


def add_member_as_system(
    *, organization: Organization, member: Member, actor: Actor = SYSTEM, reason: str = ""
) -> Membership:
    """Add without asking whether the actor may: for callers that have asked themselves; `reason` is for the event.

    Raises Conflict for somebody who belongs to it already, and where either is gone.
    """
    if organization.status == OrganizationStatus.DELETED or member.status == MemberStatus.REMOVED:
        raise Conflict("The organization or the member is gone.")
    membership = Membership(organization=organization, member=member)
    with unique_or(Conflict("This member belongs to the organization already.")):
        membership.save(force_insert=True)
    Departure.objects.filter(organization=organization, member=member).delete()
    members.bump_authority(member.id)
    emit(
        "organization.member.added",
        actor=actor,
        organization_id=organization.id,
        object=describe_membership(membership) | ({"reason": reason} if reason else {}),
    )
    return membership


def remove_member(*, actor: Principal, membership: Membership, reason: str = "") -> None:
    """End a membership with the roles and sessions in it. Raises LastOwner for the last owner."""
    ports.authority.require(actor, "organizations:write", membership)
    _end_membership(actor, membership, reason)


def leave(*, actor: Principal, membership: Membership) -> None:
    """End one's own membership (POR-05). Raises NotFound for somebody else's, LastOwner for the last owner."""
    if membership.member_id != actor.member_id:
        raise NotFound
    _end_membership(actor, membership, "left")


def _end_membership(actor: Principal, membership: Membership, reason: str) -> None:
    with transaction.atomic():
        # Held first: whoever puts the person into a group of the organization meanwhile finds them in or gone.
        list(Membership.objects.filter(id=membership.id).select_for_update().values_list("id"))
        for hook in _leaving:
            hook(actor, membership)
        gone = describe_membership(membership)
        # While they still belong to it: an organization's own scope shows nobody else.
        members.bump_authority(membership.member_id)
        deleted, _by_model = Membership.objects.filter(id=membership.id).delete()
        if deleted:
            left = Departure(organization=membership.organization, member=membership.member)
            Departure.objects.bulk_create([left], ignore_conflicts=True)
            end_sessions(membership.organization, membership.member, "left_organization", actor.actor)
            emit(
                "organization.member.removed",
                actor=actor.actor,
                organization_id=membership.organization_id,
                object={**gone, "reason": reason},
            )


def end_sessions(organization: Organization, member: Member | None, reason: str, actor: Actor) -> None:
    """End the sessions that are active in an organization, of one member or of all.

    From the organization's own scope sessions are hidden and stay; what they may do there is nothing,
    because authority asks for the membership (roles.authority).
    """
    rows = TenantSession.objects.filter(organization_id=organization.id, ended_at=None).select_related(
        "member"
    )
    for session in rows.filter(member=member) if member else rows:
        end_session(session, reason, actor=actor)


def describe(organization: Organization, **more: Any) -> dict[str, Any]:
    shown = {"name": organization.name, "slug": organization.slug}
    return {"id": organization.public_id, "object": "organization", **shown, **more}


def describe_membership(membership: Membership) -> dict[str, Any]:
    return {
        "id": membership.public_id,
        "object": "membership",
        "member": membership.member.subject,
        "organization": membership.organization.public_id,
    }
