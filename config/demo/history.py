"""Months of plausible sign-ins, so that charts have something to show."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.utils import timezone

from core import ids
from core.principal import Actor
from events.models import Event
from events.services import Draft, emit_many
from identity import assurance
from tenants.models import Member

DAYS = 90
BATCH = 200
FAILED = 0.06
PASSWORD, SECOND, PASSKEY = assurance.PASSWORD, assurance.MULTI_FACTOR, assurance.PHISHING_RESISTANT
WAYS = [("password", PASSWORD)] * 5 + [("password", SECOND)] * 3 + [("passkey", PASSKEY)] * 3
WAYS += [("email_code", PASSWORD)] * 2 + [("magic_link", PASSWORD)]


def build(people: list[Member]) -> None:
    """Write the history into the open tenant scope, once."""
    before = timezone.now() - timedelta(days=1)
    if Event.objects.filter(type="signin.succeeded", created_at__lt=before).exists():
        return
    drafts = sorted(_sign_ins(people), key=lambda draft: draft.at or before)
    for start in range(0, len(drafts), BATCH):
        emit_many(drafts[start : start + BATCH])
    _remember(people, drafts)


def _remember(people: list[Member], drafts: list[Draft]) -> None:
    """Set when each member last signed in, as the sign-ins of the history say."""
    last = {draft.actor.id: draft.at for draft in drafts if draft.type == "signin.succeeded"}
    for member in people:
        Member.objects.filter(id=member.id).update(last_sign_in_at=last.get(member.subject))


def _sign_ins(people: list[Member]) -> Iterator[Draft]:
    """More people week by week, fewer at weekends, and now and then a mistyped password."""
    dice = random.Random(7)  # noqa: S311 — the same plausible history each time
    for back in range(DAYS, 0, -1):
        day = timezone.now() - timedelta(days=back)
        busy = (4 + (DAYS - back) / 9) * (0.4 if day.weekday() > 4 else 1.0)
        for _ in range(max(1, round(dice.gauss(busy, busy / 4)))):
            moment = day.replace(hour=dice.randint(7, 19), minute=dice.randint(0, 59))
            yield _sign_in(dice.choice(people), moment, failed=dice.random() < FAILED)


def _sign_in(member: Member, moment: datetime, *, failed: bool) -> Draft:
    if failed:
        actor = Actor("guest", "guest")
        described = {"id": ids.encode("flow", ids.uuid7()), "object": "sign_in", "member": member.subject}
        return Draft("signin.failed", actor, described | {"reason": "wrong_credentials"}, at=moment)
    described = {"id": ids.encode("sess", ids.uuid7()), "object": "session", "member": member.subject}
    method, acr = WAYS[(moment.minute * 7 + moment.hour) % len(WAYS)]
    shown = described | {"method": method, "acr": acr}
    return Draft("signin.succeeded", Actor("user", member.subject), shown, at=moment)
