"""The end of an account: planned by its owner, held for a week, then done by a job (USR-14).

Every service keeps the subject as a pseudonym, so that its audit log still tells what was done; the
account's rows go altogether, and so do the personal values in its own record.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format

from core import jobs, ports, scope
from core.errors import Problem
from events.erasure import erase_values
from events.services import emit
from identity import selectors as people
from identity import sessions, tokens
from identity.models import Account
from identity.services import describe, person, public_id
from portal import departures
from portal.models import DataExport, Deletion
from tenants.models import Member

JOB = "portal.delete_account"
HOLD = timedelta(days=7)


def plan(*, account_id: uuid.UUID) -> datetime:
    """Plan the end of the account; planned twice it stays as it was. Returns when it is due.

    Opens its scopes itself. Raises LastOwner where a tenant would be left without an owner.
    """
    for tenant_id in _tenants(account_id):
        departures.check(account_id=account_id, tenant_id=tenant_id)
    with scope.account(account_id):
        due = timezone.now() + HOLD
        row, is_new = Deletion.objects.get_or_create(account_id=account_id, defaults={"due_at": due})
        if is_new:
            when = row.due_at.isoformat()
            emit(
                "user.deletion_requested",
                actor=person(account_id),
                object=describe(account_id) | {"due_at": when},
            )
            jobs.enqueue(JOB, {"account": str(account_id), "deletion": str(row.id)}, run_at=row.due_at)
            _tell(account_id, "deletion_planned", day=date_format(row.due_at, "DATE_FORMAT"))
        return row.due_at


def planned(account_id: uuid.UUID) -> Deletion | None:
    return Deletion.objects.filter(account_id=account_id).first()


def cancel(*, account_id: uuid.UUID) -> None:
    """Keep the account, in the open account scope; with nothing planned nothing happens."""
    if Deletion.objects.filter(account_id=account_id).delete()[0]:
        emit("account.deletion.cancelled", actor=person(account_id), object=describe(account_id))
        _tell(account_id, "deletion_cancelled")


@sessions.on_ended
def recovered(payload: dict[str, Any]) -> None:
    """Whoever had the account before it was recovered may have planned its end, or made a copy (threat L5)."""
    if payload["reason"] == sessions.RECOVERY:
        account_id, earlier = uuid.UUID(payload["account_id"]), {"created_at__lte": payload["at"]}
        with scope.account(account_id):
            if Deletion.objects.filter(account_id=account_id, **earlier).exists():
                cancel(account_id=account_id)
            DataExport.objects.filter(account_id=account_id, **earlier).delete()


@jobs.handler(JOB, opens_scope=False)
def carry_out(payload: dict[str, Any]) -> None:
    """Delete the account unless its owner took that back; done twice, the second finds nothing."""
    account_id = uuid.UUID(payload["account"])
    with scope.account(account_id):
        due = Deletion.objects.filter(id=payload["deletion"], due_at__lte=timezone.now()).exists()
    if not due:
        return
    try:
        for tenant_id in _tenants(account_id):
            departures.leave(account_id=account_id, tenant_id=tenant_id, account_ends=True)
    except Problem:
        _stop(account_id)
    else:
        _delete(account_id)


def _tenants(account_id: uuid.UUID) -> list[uuid.UUID]:
    with scope.account(account_id):
        return list(Member.objects.exclude(status="removed").values_list("tenant_id", flat=True))


def _stop(account_id: uuid.UUID) -> None:
    """Somebody became the last owner meanwhile: the account stays, and its owner is told."""
    with scope.account(account_id):
        Deletion.objects.filter(account_id=account_id).delete()
        emit("account.deletion.stopped", actor=person(account_id), object=describe(account_id))
        _tell(account_id, "deletion_stopped")


def _delete(account_id: uuid.UUID) -> None:
    with scope.account(account_id):
        _tell(account_id, "account_deleted")
        sessions.end_others(account_id=account_id, keep=None, reason="account_deleted")
        tokens.revoke_all(account_id=account_id, reason="account_deleted")
        emit("account.deleted", actor=person(account_id), object=describe(account_id))
        Account.objects.get(id=account_id).delete()
        erase_values([public_id(account_id)])


def _tell(account_id: uuid.UUID, template: str, **context: str) -> None:
    account = people.account(account_id)
    ports.mail.send(
        template,
        people.primary_email(account_id),
        account_id=account_id,
        context={**context, "link": f"{settings.ORIGIN}/account/data"},
        locale=account.locale if account else "",
    )
