"""Acts on several members at once: each is the ordinary service, and its own refusal stops nobody else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from core.api.fields import timestamp
from core.errors import Problem
from core.principal import Principal
from core.spreadsheets import written
from events.services import emit
from tenants import members, selectors
from tenants.models import Member

MOST = 100
MOST_EXPORTED = 10_000
COLUMNS = ("subject", "name", "email", "email_verified", "status", "locale", "last_sign_in_at", "created_at")
Choices = Callable[[], list[tuple[str, str]]]
Run = Callable[[Principal, Member, str, str], Any]


@dataclass(frozen=True)
class BulkAct:
    """`run` gets actor, member, the chosen value and the reason; `choices` are values to choose from."""

    permission: str
    run: Run
    choices: Choices | None = None


@dataclass
class Outcome:
    done: int = 0
    refused: list[tuple[Member, Problem]] = field(default_factory=list)


acts: dict[str, BulkAct] = {
    "suspend": BulkAct(
        "members:write",
        lambda actor, member, _, why: members.suspend_member(actor=actor, member=member, reason=why),
    ),
    "reactivate": BulkAct(
        "members:write",
        lambda actor, member, _value, _why: members.reactivate_member(actor=actor, member=member),
    ),
    "logout": BulkAct(
        "members:write",
        lambda actor, member, _, why: members.force_logout(actor=actor, member=member, reason=why),
    ),
}


def chosen(subjects: Iterable[str]) -> list[Member]:
    """Return the members with these subjects, those of nobody here left out."""
    wanted = [subject for subject in subjects if subject.isprintable()][:MOST]
    return list(selectors.members().filter(subject__in=wanted).order_by("-id"))


def carry_out(
    *, actor: Principal, act: BulkAct, rows: Iterable[Member], value: str = "", reason: str = ""
) -> Outcome:
    """Run an act on each member in a savepoint of its own."""
    outcome = Outcome()
    for member in rows:
        try:
            with transaction.atomic():
                act.run(actor, member, value, reason)
            outcome.done += 1
        except Problem as problem:
            outcome.refused.append((member, problem))
    return outcome


def export(*, actor: Principal, rows: Iterable[Member]) -> str:
    """Return the members as CSV and record that they were taken out."""
    lines = [_line(member) for member in rows]
    described = {"id": selectors.tenant().public_id, "object": "tenant", "count": len(lines)}
    emit("user.list.exported", actor=actor.actor, object=described)
    return written(COLUMNS, lines)


def _line(member: Member) -> list[Any]:
    return [
        member.subject,
        member.name,
        member.email,
        "yes" if member.email_verified else "no",
        member.status,
        member.locale,
        timestamp(member.last_sign_in_at),
        timestamp(member.created_at),
    ]
