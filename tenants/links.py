"""Linking tenants: by the person's own act two of them learn that they know the same person (TEN-16).

The person's row is the truth; what each tenant sees is a row of its own that `settle` brings in line with it:
at once after the commit, and by a job should that fail. Nobody else can make, see or keep a link.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from itertools import combinations
from typing import Any

from django.db.models import Q, QuerySet

from core import ids, jobs, scope
from core.errors import Conflict, NotFound
from core.principal import Actor
from events.services import emit
from identity import sessions as identity_sessions
from identity.services import describe, person
from tenants import members, selectors
from tenants.erasure import on_erasure
from tenants.models import LinkedSubject, Member, MemberStatus, Tenant, TenantLink

JOB, JOB_DEPARTED = "tenants.settle_link", "tenants.departed"
Pair = tuple[uuid.UUID, uuid.UUID]


def links(account_id: uuid.UUID) -> QuerySet[TenantLink]:
    """Return the person's links in the open account scope, oldest first."""
    return TenantLink.objects.filter(account_id=account_id).order_by("id")


def link(*, account_id: uuid.UUID, tenant_ids: Collection[uuid.UUID]) -> None:
    """Let each of these tenants know the person's subject in the others. Linked twice nothing changes.

    Opens its scopes itself. Raises NotFound for a tenant in which the person is no active member, and
    Conflict for fewer than two.
    """
    wanted = sorted(set(tenant_ids))
    if len(wanted) < 2:
        raise Conflict("Choose at least two services.")
    with scope.account(account_id):
        _check_active(account_id, wanted)
        made = [pair for pair in combinations(wanted, 2) if _create(account_id, pair)]
    for pair in made:
        settle(account_id, pair)


def _check_active(account_id: uuid.UUID, wanted: Collection[uuid.UUID]) -> None:
    known = Member.objects.filter(
        account_id=account_id, tenant_id__in=wanted, status=MemberStatus.ACTIVE
    ).values_list("tenant_id", flat=True)
    if set(known) != set(wanted):
        raise NotFound


def _create(account_id: uuid.UUID, pair: Pair) -> bool:
    first, second = pair
    _row, is_new = TenantLink.objects.get_or_create(
        account_id=account_id, first_tenant_id=first, second_tenant_id=second
    )
    if is_new:
        _promise("account.tenants.linked", account_id, pair)
    return is_new


def unlink(*, account_id: uuid.UUID, link_id: uuid.UUID) -> None:
    """Take one link back; raises NotFound for anybody else's. Opens its scopes itself."""
    if not _unlink(account_id, Q(id=link_id)):
        raise NotFound


def unlink_tenant(*, account_id: uuid.UUID, tenant_id: uuid.UUID) -> None:
    """Take every link of one tenant back: the person leaves it, or was removed from it."""
    _unlink(account_id, Q(first_tenant_id=tenant_id) | Q(second_tenant_id=tenant_id))


def _unlink(account_id: uuid.UUID, which: Q) -> list[Pair]:
    with scope.account(account_id):
        ended = []
        for row in links(account_id).filter(which).select_for_update():
            pair = (row.first_tenant_id, row.second_tenant_id)
            row.delete()
            _promise("account.tenants.unlinked", account_id, pair)
            ended.append(pair)
    for pair in ended:
        settle(account_id, pair)
    return ended


def _promise(event: str, account_id: uuid.UUID, pair: Pair) -> None:
    named = [ids.encode(Tenant.PREFIX, tenant_id) for tenant_id in pair]
    emit(event, actor=person(account_id), object=describe(account_id) | {"tenants": named})
    jobs.enqueue(JOB, {"account": str(account_id), "pair": [str(tenant_id) for tenant_id in pair]})


@jobs.handler(JOB, opens_scope=False)
def settle_again(payload: dict[str, Any]) -> None:
    first, second = payload["pair"]
    settle(uuid.UUID(payload["account"]), (uuid.UUID(first), uuid.UUID(second)))


def settle(account_id: uuid.UUID, pair: Pair) -> None:
    """Make both tenants' rows say what the person's row says; done twice, the second changes nothing.

    The person may change their mind meanwhile, in another process: whoever wrote last looks once more.
    """
    while True:
        stands, known = _stands(account_id, pair)
        for here, there in (pair, pair[::-1]):
            if here in known:
                _apply(known[here], known.get(there), there, stands=stands)
        if stands == _stands(account_id, pair)[0]:
            return


def _stands(account_id: uuid.UUID, pair: Pair) -> tuple[bool, dict[uuid.UUID, Member]]:
    """Return whether the link stands, and the person's members of both tenants, removed ones too."""
    first, second = pair
    with scope.account(account_id):
        exists = links(account_id).filter(first_tenant_id=first, second_tenant_id=second).exists()
        rows = Member.objects.filter(account_id=account_id, tenant_id__in=pair).order_by("created_at")
        known = {row.tenant_id: row for row in rows}
    present = {row.tenant_id for row in known.values() if row.status != MemberStatus.REMOVED}
    return exists and present == set(pair), known


def _apply(member: Member, other: Member | None, other_tenant: uuid.UUID, *, stands: bool) -> None:
    with scope.tenant(member.tenant_id):
        if stands and other is not None:
            row, changed = LinkedSubject.objects.get_or_create(
                member=member, linked_tenant_id=other_tenant, defaults={"subject": other.subject}
            )
            event = "user.subject.linked"
        else:
            found = LinkedSubject.objects.filter(member__account_id=member.account_id)
            gone = found.filter(linked_tenant_id=other_tenant).select_for_update(of=("self",)).first()
            changed, event = gone is not None, "user.subject.unlinked"
            if gone is not None:
                row = gone
                found.filter(id=gone.id).delete()
        if changed:
            shown = {"id": member.subject, "object": "member", "linked_subject": identifier(row)}
            emit(event, actor=Actor("user", member.subject), object=shown)


def identifier(row: LinkedSubject) -> dict[str, str]:
    """Return a subject of another tenant as an identifier of issuer and subject (RFC 9493 §3.2.3)."""
    tenant = selectors.by_id(row.linked_tenant_id)
    return {"format": "iss_sub", "iss": tenant.issuer if tenant else "", "sub": row.subject}


def linked_subjects(member_id: uuid.UUID) -> QuerySet[LinkedSubject]:
    """Return what the open tenant knows of its member by links."""
    rows = LinkedSubject.objects.filter(tenant_id=scope.require_tenant(), member_id=member_id)
    return rows.order_by("-id")


def told(member_id: uuid.UUID) -> list[dict[str, str]]:
    """Return the claim `linked_subjects` of a member."""
    return [identifier(row) for row in linked_subjects(member_id)]


@members.after_removal
def departed(_actor: Actor, member: Member) -> None:
    """Promise, in the tenant's scope, that the links of somebody who was removed end on the other side too."""
    if member.account_id and linked_subjects(member.id).exists():
        payload = {"account": str(member.account_id), "tenant": str(member.tenant_id)}
        jobs.enqueue(JOB_DEPARTED, payload)


@jobs.handler(JOB_DEPARTED, opens_scope=False)
def end_departed(payload: dict[str, Any]) -> None:
    unlink_tenant(account_id=uuid.UUID(payload["account"]), tenant_id=uuid.UUID(payload["tenant"]))


@on_erasure
def forget(member: Member) -> Iterable[str]:
    LinkedSubject.objects.filter(member=member).delete()
    return ()


@identity_sessions.on_ended
def recovered(payload: dict[str, Any]) -> None:
    """Whoever had the account before it was recovered may have made the links (threat L5)."""
    if payload["reason"] == identity_sessions.RECOVERY:
        _unlink(uuid.UUID(payload["account_id"]), Q(created_at__lte=payload["at"]))
