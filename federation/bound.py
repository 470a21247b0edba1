"""Authenticators that are bound to connections: they go with what vouched for their owner, or by an administrator's
act when they are lost (threats F6, M5).

Their rows are in the accounts' scopes, so a promised job drops them. Nothing waits for it: without the connection's
word they are good for nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from core import jobs, ports, scope
from core.errors import OrgMismatch
from core.principal import Principal
from events.services import emit
from federation import closing
from federation.models import Connection, UpstreamIdentity
from identity import authenticators, sessions
from identity import selectors as people
from roles import guards
from tenants import members
from tenants.models import Member, TenantSession

JOB = "federation.drop_bound"
RESET = "authenticators_reset"
AT_ONCE = 200  # people of one job


def reset(*, actor: Principal, member: Member, reason: str = "") -> None:
    """Drop what a member has bound to this tenant's connections, who enrols anew at the next sign-in by them.

    What they opened by those connections ends. Their own authenticators, and those bound elsewhere, stay. The factors
    of owners are owners' business (threat A6). Raises OwnerRequired, and OrgMismatch for an organization's callers.
    """
    ports.authority.require(actor, "members:write", member)
    if actor.organization_id is not None:
        raise OrgMismatch
    if guards.owns(member.id, None):
        guards.decides_about_owners(actor, None)
    every = Connection.objects.filter(tenant_id=member.tenant_id).values_list("id", flat=True)
    opened = TenantSession.objects.filter(member=member).exclude(connection_id=None)
    with transaction.atomic():
        # Until the job has ended the sign-ins, which have proved what was lost, nothing comes of them here.
        UpstreamIdentity.objects.filter(member=member).update(valid_after=timezone.now())
        closing.close(opened, RESET, actor.actor)
        if member.account_id is not None:
            _promise([member.account_id], list(every), RESET)
        described = members.describe(member, **({"reason": reason} if reason else {}))
        emit("user.authenticators.reset", actor=actor.actor, object=described)


def drop_all(connection: Connection) -> None:
    """Promise to drop what is bound to a connection that is being deleted, in the open transaction."""
    linked = list(UpstreamIdentity.objects.filter(connection=connection).values_list("member_id", flat=True))
    for start in range(0, len(linked), AT_ONCE):
        drop_of_members(linked[start : start + AT_ONCE], [connection.id], "connection_deleted")


def drop_of_members(
    member_ids: Iterable[uuid.UUID], connection_ids: Sequence[uuid.UUID], reason: str
) -> None:
    """Promise to drop what these members have bound to connections that speak for them no more."""
    rows = Member.objects.filter(id__in=member_ids).exclude(account_id=None)
    accounts = [account_id for account_id in rows.values_list("account_id", flat=True) if account_id]
    if accounts:
        _promise(accounts, connection_ids, reason)


def _promise(account_ids: Sequence[uuid.UUID], connection_ids: Sequence[uuid.UUID], reason: str) -> None:
    payload = {
        "accounts": [str(one) for one in account_ids],
        "connections": [str(one) for one in connection_ids],
        "reason": reason,
        "at": timezone.now().isoformat(),
    }
    jobs.enqueue(JOB, payload)


@jobs.handler(JOB, opens_scope=False)
def drop(payload: Mapping[str, Any]) -> None:
    """Drop them in each account; what was enrolled since stays, so that a late second run does no harm."""
    connections, until = [uuid.UUID(one) for one in payload["connections"]], payload["at"]
    for account_id in map(uuid.UUID, payload["accounts"]):
        with scope.account(account_id):
            authenticators.drop_bound(
                account_id=account_id,
                connection_ids=connections,
                until=datetime.fromisoformat(until),
                reason=payload["reason"],
            )
            if payload["reason"] == RESET:
                _end_sign_ins(account_id, connections, datetime.fromisoformat(until))


def _end_sign_ins(account_id: uuid.UUID, connections: Sequence[uuid.UUID], until: datetime) -> None:
    """End the sign-ins themselves too: one that has proved a lost factor would open the tenant again."""
    mine = people.live_sessions(account_id).filter(connection_id__in=connections, auth_time__lte=until)
    ended = list(mine.values_list("id", flat=True))
    sessions.end(account_id=account_id, session_ids=ended, reason=RESET)
