"""Who at a connection's provider is which member: found, or made where the connection may (threats F1, S2).

Connection and `sub` decide. An address is never a reason to take somebody for a member: it only says that an
organization's provider may speak of them at all, because its domain is proved, and whom we ask for a proof.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils import timezone

from core import scope
from core.errors import Conflict
from core.principal import Actor
from core.uniqueness import unique_or
from events.services import emit
from federation.asserted import Asserted
from federation.models import Connection, UpstreamIdentity
from federation.provider import Rejected
from identity import selectors as people
from identity import services as accounts
from identity.models import Account
from organizations import selectors as organizations
from organizations import services as organization_services
from organizations.domains import organization_of
from roles import services as roles
from tenants import members
from tenants.models import Member, MemberStatus


@dataclass(frozen=True)
class Arrival:
    """A member whom a connection brought, and the account that their session hangs on."""

    account_id: uuid.UUID
    member_id: uuid.UUID
    subject: str


class NeedsProof(Exception):
    """Somebody here has the address already: they have to prove that it is they (threat F1)."""


def arrive(tenant_id: uuid.UUID, connection_id: uuid.UUID, person: Asserted) -> Arrival:
    """Return the member behind a verified assertion; made now if the connection may. Opens scopes itself.

    Raises Rejected, and NeedsProof where a member with the address exists.
    """
    with scope.tenant(tenant_id):
        connection = Connection.objects.get(id=connection_id)
        found = _known(connection, person)
        if found is not None:
            return found
        check_reach(connection, person)
        same = _accounts_with(person)
    if any(people.has_own_methods(account_id) for account_id in same):
        raise NeedsProof
    if not connection.create_members:
        raise Rejected("no_member", "This person is no member, and the connection may not create any.")
    return _make(tenant_id, connection, person)


def _known(connection: Connection, person: Asserted) -> Arrival | None:
    identity = (
        UpstreamIdentity.objects.select_related("member")
        .filter(connection=connection, subject=person.subject)
        .first()
    )
    if identity is None:
        return None
    member = identity.member
    if not member.is_active or member.account_id is None:
        raise Rejected("member", "The member is suspended or was removed.")
    if connection.organization_id and not organizations.belongs(member.id, connection.organization_id):
        raise Rejected("member", "The member does not belong to the organization any more.")
    UpstreamIdentity.objects.filter(id=identity.id).update(last_used_at=timezone.now())
    if identity.made_member:
        _follow(member, person)
    _sync_groups(connection, member, person)
    return Arrival(member.account_id, member.id, member.subject)


def check_reach(connection: Connection, person: Asserted) -> None:
    """Raise Rejected unless an organization's provider speaks of an address under its own domain (threat S2)."""
    if connection.organization_id is None:
        return
    if person.email is None:
        raise Rejected("attributes", "The provider told no e-mail address under the mapped claim.")
    if not person.email_verified:
        raise Rejected("attributes", "The provider does not say that the e-mail address is verified.")
    if organization_of(person.domain) != connection.organization_id:
        raise Rejected("domain", "The organization has not proved the domain of this e-mail address.")


def _accounts_with(person: Asserted) -> list[uuid.UUID]:
    """Return the accounts of members that gave this tenant the address."""
    if person.email is None:
        return []
    written = [person.email.canonical, person.email.mailbox.casefold()]
    same = Member.objects.filter(tenant_id=scope.require_tenant(), email_search__in=written)
    known = same.exclude(status=MemberStatus.REMOVED).exclude(account_id=None)
    return [account_id for account_id in known.values_list("account_id", flat=True) if account_id]


def _make(tenant_id: uuid.UUID, connection: Connection, person: Asserted) -> Arrival:
    """Make an account that only this connection opens, and its member (decision 0013)."""
    account = accounts.create_guest()
    try:
        with scope.tenant(tenant_id):
            member = _create(connection, account.id, person)
            return Arrival(account.id, member.id, member.subject)
    except IntegrityError:  # somebody else was faster with the same person
        with scope.account(account.id):
            Account.objects.filter(id=account.id).delete()
        with scope.tenant(tenant_id):
            found = _known(connection, person)
        assert found is not None
        return found


def _create(connection: Connection, account_id: uuid.UUID, person: Asserted) -> Member:
    actor = Actor("service", connection.public_id)
    member = members.create_member(
        actor=actor,
        email=person.email.mailbox if person.email else "",
        name=person.name,
        account_id=account_id,
        email_verified=person.email_verified,
    )
    _profile(member, person)
    identity = _link(connection, member, person.subject, made_member=True)
    emit("identity.linked", actor=actor, object=describe(identity))
    if connection.organization is not None:
        organization_services.add_member_as_system(
            organization=connection.organization, member=member, actor=actor
        )
    if connection.default_role is not None:
        roles.assign_role_as_system(
            actor=actor, member=member, role=connection.default_role, organization=connection.organization
        )
    _sync_groups(connection, member, person)
    return member


def _link(connection: Connection, member: Member, subject: str, *, made_member: bool) -> UpstreamIdentity:
    return UpstreamIdentity.objects.create(
        connection=connection,
        organization_id=connection.organization_id,
        member=member,
        subject=subject,
        made_member=made_member,
        last_used_at=timezone.now(),
    )


def _profile(member: Member, person: Asserted) -> None:
    told = {"given_name": person.given_name, "family_name": person.family_name}
    kept = {**member.profile, **{name: value for name, value in told.items() if value}}
    if kept != member.profile:
        Member.objects.filter(id=member.id).update(profile=kept)
        member.profile = kept


def _follow(member: Member, person: Asserted) -> None:
    """Keep the name of somebody whom the provider brought as it has them; linked people keep their own."""
    _profile(member, person)
    if person.name and person.name != member.name:
        personal = {"name": person.name, "previous.name": member.name}
        member.name, member.name_search = person.name, person.name.casefold()
        members.keep(member, "name", "name_search")
        emit(
            "user.updated",
            actor=Actor("user", member.subject),
            object=members.describe(member),
            personal=personal,
        )


def _sync_groups(connection: Connection, member: Member, person: Asserted) -> None:
    """Put the member into the groups that the provider names, where the connection maps them."""
    if person.groups is not None:
        roles.sync_groups(
            actor=Actor("service", connection.public_id),
            member=member,
            organization=connection.organization,
            names=person.groups,
            source=connection.public_id,
        )


def link(tenant_id: uuid.UUID, connection_id: uuid.UUID, person: Asserted, account_id: uuid.UUID) -> Arrival:
    """Link the person of an assertion to the member of an account; both sides were proved a moment ago (threat F1).

    Raises Rejected, and Conflict where either is linked already.
    """
    with scope.tenant(tenant_id):
        connection = Connection.objects.get(id=connection_id)
        check_reach(connection, person)
        member = Member.objects.filter(account_id=account_id, status=MemberStatus.ACTIVE).first()
        if member is None:
            raise Rejected("member", "The account that was proved is no active member here.")
        _join(connection, member)
        with unique_or(Conflict("You, or this identity at the provider, are linked already.")):
            identity = _link(connection, member, person.subject, made_member=False)
        emit("identity.linked", actor=Actor("user", member.subject), object=describe(identity))
        _sync_groups(connection, member, person)
        return Arrival(account_id, member.id, member.subject)


def _join(connection: Connection, member: Member) -> None:
    """Let the member into the organization that has proved their domain, if the connection may bring people in."""
    organization = connection.organization
    if organization is None or organizations.belongs(member.id, organization.id):
        return
    if not connection.create_members or organizations.has_left(member.id, organization.id):
        raise Rejected("member", "The member does not belong to the organization.")
    with transaction.atomic():
        organization_services.add_member_as_system(
            organization=organization, member=member, actor=Actor("service", connection.public_id)
        )


def describe(identity: UpstreamIdentity) -> dict[str, object]:
    return {
        "id": identity.public_id,
        "object": "external_identity",
        "issuer": identity.connection.issuer,
        "connection": identity.connection.public_id,
        "member": identity.member.subject,
    }
