"""Connections for single sign-on: set up, changed, switched, enforced and deleted (ORG-06, ORG-07, AUT-09).

Whoever decides for a connection's provider can become anybody it speaks for, so that needs every permission of
those people (threat A6). One of an organization is the organization's business, one of the tenant a policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from core import ports
from core.errors import Conflict
from core.principal import Principal
from events.services import emit
from federation import bound, closing, doors, provider
from federation.checks import check
from federation.described import describe
from federation.errors import NobodyLeft, NotTested
from federation.models import ClientAuth, Connection, ConnectionStatus, Exemption, UpstreamIdentity
from organizations.domains import organization_of
from organizations.models import Organization
from roles import authority, guards
from roles import selectors as roles
from roles.permissions import Permission
from roles.services import end_group_source, may_sync_groups
from tenants.models import MemberStatus

SETTINGS = (
    "name", "client_id", "client_auth", "endpoints", "algorithms", "scopes", "attributes", "create_members",
    "default_role", "trust_email", "trust_mfa", "metadata",
)  # fmt: skip
HARMLESS = frozenset({"name", "metadata"})
# A test sign-in says something about these; whoever changes one has to test again.
TESTED = frozenset({"client_id", "client_auth", "endpoints", "algorithms", "scopes", "attributes"})


def needed(row: Connection, *, write: bool = True) -> Permission:
    """Return the permission that a connection takes."""
    if row.organization_id:
        return Permission.ORGANIZATIONS_WRITE if write else Permission.ORGANIZATIONS_READ
    return Permission.POLICIES_WRITE if write else Permission.POLICIES_READ


def create_connection(
    *,
    actor: Principal,
    name: str,
    issuer: str,
    organization: Organization | None = None,
    client_secret: str = "",
    **settings: Any,
) -> Connection:
    """Set a connection up as a draft. Raises ValidationFailed with every fault, GrantExceedsOwn, OwnerRequired."""
    row = Connection(name=name, issuer=issuer, organization=organization)
    ports.authority.require(actor, needed(row), row)
    for field, value in settings.items():
        assert field in SETTINGS, field
        setattr(row, field, value)
    check(actor, row, client_secret)
    _may_decide(actor, row)
    provider.seal_secret(row, client_secret)
    with transaction.atomic():
        row.save(force_insert=True)
        _tell("created", actor, row, describe(row, whole=True))
    return row


def update_connection(
    *, actor: Principal, connection: Connection, changes: Mapping[str, Any], client_secret: str = ""
) -> Connection:
    """Change settings; issuer and organization stay. An empty secret keeps the one there is. Raises as `create`."""
    ports.authority.require(actor, needed(connection), connection)
    before = {
        name: getattr(connection, name) for name in changes if getattr(connection, name) != changes[name]
    }
    if not before and not client_secret:
        return connection
    decides = bool(client_secret or before.keys() - HARMLESS)
    if decides:
        _may_decide(actor, connection)
    for name in before:
        assert name in SETTINGS, name
        setattr(connection, name, changes[name])
    known = client_secret or provider.open_secret(connection)
    check(actor, connection, known)
    if decides:
        _may_decide(actor, connection)
    provider.seal_secret(connection, "" if connection.client_auth in NO_SECRET else known)
    if client_secret or before.keys() & TESTED:
        connection.tested_at = None
    with transaction.atomic():
        connection.save()
        doors.forget(connection.tenant_id)
        shown = describe(connection, *before, credential_changed=bool(client_secret))
        _tell("updated", actor, connection, shown, {name: _plain(before[name]) for name in before})
    return connection


NO_SECRET = (ClientAuth.KEY, ClientAuth.NONE)


def _plain(value: Any) -> Any:
    return getattr(value, "public_id", value)


def activate(*, actor: Principal, connection: Connection) -> Connection:
    """Open the connection as a way in. Raises NotTested, GrantExceedsOwn."""
    ports.authority.require(actor, needed(connection), connection)
    if connection.is_active:
        return connection
    if connection.tested_at is None:
        raise NotTested
    _may_decide(actor, connection)
    return _switch(actor, connection, ConnectionStatus.ACTIVE, "activated")


def deactivate(*, actor: Principal, connection: Connection, reason: str = "") -> Connection:
    """Close the connection: sessions that it opened end, and tokens that came of them (threats F6, O16)."""
    ports.authority.require(actor, needed(connection), connection)
    if not connection.is_active:
        return connection
    connection.enforced, connection.valid_after = False, timezone.now()
    with transaction.atomic():
        _switch(actor, connection, ConnectionStatus.INACTIVE, "deactivated", reason=reason)
        closing.close_opened(actor=actor, connection_id=connection.id, reason="connection_deactivated")
    return connection


def _switch(actor: Principal, row: Connection, status: ConnectionStatus, act: str, **more: Any) -> Connection:
    before, row.status = row.status, status
    with transaction.atomic():
        row.save(update_fields=["status", "enforced", "valid_after", "updated_at"])
        doors.forget(row.tenant_id)
        _tell(act, actor, row, describe(row, status=row.status, **more), {"status": before})
    return row


def delete_connection(*, actor: Principal, connection: Connection, reason: str = "") -> None:
    """Delete a connection with its links and what people bound to it; sessions that it opened end, members stay."""
    ports.authority.require(actor, needed(connection), connection)
    with transaction.atomic():
        closing.close_opened(actor=actor, connection_id=connection.id, reason="connection_deleted")
        bound.drop_all(connection)
        end_group_source(actor=actor.actor, source=connection.public_id)
        doors.forget(connection.tenant_id)
        gone = describe(connection, whole=True, reason=reason)
        Connection.objects.filter(id=connection.id).delete()
        _tell("deleted", actor, connection, gone)


def set_enforced(*, actor: Principal, connection: Connection, enforced: bool, reason: str = "") -> Connection:
    """Refuse own methods to those the connection is for, or allow them again (ORG-07).

    Raises NotTested for one that is not active and tested, NobodyLeft where nobody could help if it failed.
    """
    ports.authority.require(actor, needed(connection), connection)
    if connection.enforced == enforced:
        return connection
    if enforced:
        if not connection.is_active or connection.tested_at is None:
            raise NotTested("Switch the connection on and make a test sign-in with it first.")
        _keep_somebody(connection)
    connection.enforced = enforced
    with transaction.atomic():
        connection.save(update_fields=["enforced", "updated_at"])
        doors.forget(connection.tenant_id)
        shown = describe(connection, enforced=enforced, reason=reason)
        _tell("updated", actor, connection, shown, {"enforced": not enforced})
        if enforced:
            closing.promise(closing.OWN_METHODS, actor, connection.id, "sso_enforced")
    return connection


def _keep_somebody(connection: Connection) -> None:
    """Raise NobodyLeft unless somebody could still get in and switch the connection off (ORG-07)."""
    exempt = Exemption.objects.filter(connection=connection, member__status=MemberStatus.ACTIVE)
    if exempt.exclude(member__account_id=None).exists():
        return
    if connection.organization_id is None or not any(map(_is_outside, roles.owners())):
        raise NobodyLeft


def _is_outside(owner: Any) -> bool:
    """Whether an owner of the tenant signs in without the connection: no domain of an organization is theirs."""
    email = owner.member.email
    return (
        bool(email and owner.member.account_id)
        and organization_of(email.rpartition("@")[2].casefold()) is None
    )


def exempt(*, actor: Principal, connection: Connection, member: Any, reason: str) -> Exemption:
    """Let a member use methods of their own although the connection is enforced. Raises Conflict."""
    ports.authority.require(actor, needed(connection), connection)
    if member.status != MemberStatus.ACTIVE:
        raise Conflict("Only an active member can be exempt.")
    row, made = Exemption.objects.get_or_create(
        connection=connection,
        member=member,
        defaults={"organization_id": connection.organization_id, "reason": reason},
    )
    if made:
        tell_exemption("added", actor.actor, row, reason=reason)
    return row


def end_exemption(*, actor: Principal, exemption: Exemption) -> None:
    """Take an exemption back. Raises NobodyLeft for the last one of an enforced connection."""
    ports.authority.require(actor, needed(exemption.connection), exemption.connection)
    with transaction.atomic():
        connection = Connection.objects.select_for_update(no_key=True).get(id=exemption.connection_id)
        Exemption.objects.filter(id=exemption.id).delete()
        if connection.enforced:
            _keep_somebody(connection)
        tell_exemption("removed", actor.actor, exemption)


def tell_exemption(act: str, actor: Any, row: Exemption, **more: Any) -> None:
    described = {"id": row.public_id, "object": "sso_exemption", "connection": row.connection.public_id}
    emit(
        f"sso.exemption.{act}",
        actor=actor,
        organization_id=row.organization_id,
        object={**described, "member": row.member.subject, **more},
    )


def _may_decide(actor: Principal, row: Connection) -> None:
    """Raise GrantExceedsOwn or OwnerRequired unless the actor may be anybody the connection speaks for."""
    place = row.organization_id
    if row.attributes.get("groups"):
        may_sync_groups(actor=actor, organization=row.organization)
    if row.default_role is not None:
        guards.may_grant(actor, roles.granted(row.default_role, place))
    for member_id in UpstreamIdentity.objects.filter(connection=row).values_list("member_id", flat=True):
        guards.may_grant(actor, authority.permissions_of(member_id, place))
        if guards.owns(member_id, place):
            guards.decides_about_owners(actor, place)


def _tell(
    act: str, actor: Principal, row: Connection, shown: dict[str, Any], previous: dict[str, Any] | None = None
) -> None:
    emit(
        f"sso.connection.{act}",
        actor=actor.actor,
        organization_id=row.organization_id,
        object=shown,
        previous=previous,
    )
