"""Identity sessions: a random value in the cookie, a digest at rest, ended by the server."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import time_machine
from django.db import connections
from django.utils import timezone

from core import housekeeping, scope
from identity import sessions
from identity.models import IdentitySession
from identity.sessions import Opened, SessionRef
from tests.factories import make_account, make_cast, unique


def opened(account_id: uuid.UUID, **options: Any) -> Opened:
    with scope.account(account_id):
        return sessions.open_session(account_id=account_id, amr=["pwd"], **options)


def found(session: Opened) -> SessionRef:
    """The live session of a value that must have one."""
    ref = sessions.find(session.value)
    assert ref is not None
    return ref


def test_T5_the_value_is_nowhere_at_rest() -> None:
    person = make_account()
    session = opened(person.account_id)
    with scope.account(person.account_id):
        row = IdentitySession.objects.values().get(id=session.id)
    assert len(session.value) == 43
    assert session.value not in str(row)


def test_L7_a_step_up_gives_a_new_value_and_kills_the_old() -> None:
    person = make_account()
    first = opened(person.account_id)
    second = opened(person.account_id, replacing=sessions.find(first.value))
    assert second.id == first.id
    assert sessions.find(first.value) is None
    assert found(second).account_id == person.account_id


def test_L7_another_persons_session_is_never_taken_over() -> None:
    one, other = make_account(), make_account()
    theirs = opened(one.account_id)
    mine = opened(other.account_id, replacing=sessions.find(theirs.value))
    assert mine.id != theirs.id
    assert found(mine).account_id == other.account_id


def test_L7_an_ended_session_stays_ended() -> None:
    person = make_account()
    session = opened(person.account_id)
    with scope.account(person.account_id):
        assert sessions.end(account_id=person.account_id, session_ids=[session.id], reason="test") == [
            session.id
        ]
        assert sessions.end(account_id=person.account_id, session_ids=[session.id], reason="test") == []
    assert sessions.find(session.value) is None


def test_L7_the_absolute_limit_is_decided_at_use() -> None:
    person = make_account()
    session, remembered = opened(person.account_id), opened(person.account_id, remember=True)
    with time_machine.travel(timezone.now() + timedelta(hours=24, minutes=1)):
        assert sessions.find(session.value) is None
        assert sessions.find(remembered.value) is not None
    with time_machine.travel(timezone.now() + timedelta(days=30, minutes=1)):
        assert sessions.find(remembered.value) is None


def test_a_locked_account_has_no_live_session() -> None:
    person = make_account()
    session = opened(person.account_id)
    with scope.account(person.account_id):
        type(IdentitySession.objects.get(id=session.id).account).objects.filter(id=person.account_id).update(
            status="locked"
        )
    assert sessions.find(session.value) is None


def test_activity_is_written_at_most_once_a_minute() -> None:
    person = make_account()
    session = opened(person.account_id)
    ref = found(session)
    sessions.touch(ref)
    assert found(session).last_active_at == ref.last_active_at
    with time_machine.travel(timezone.now() + timedelta(seconds=61)):
        sessions.touch(ref)
        assert found(session).last_active_at > ref.last_active_at


def test_unknown_and_malformed_values_are_nobody() -> None:
    for value in ("", "x", "x" * 43, "x" * 5000, "\x00" * 43, "é" * 43):
        assert sessions.find(value) is None


def test_A3_another_accounts_scope_sees_no_session() -> None:
    owner, other = make_account(), make_account()
    opened(owner.account_id)
    with scope.account(other.account_id), connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM identity_identitysession WHERE account_id = %s", [owner.account_id]
        )
        assert cursor.fetchone() == (0,)


def test_a_month_after_it_ended_or_ran_out_a_sign_in_is_forgotten() -> None:
    cast, now = make_cast(), timezone.now()
    long_ago, lately = now - timedelta(days=31), now - timedelta(days=29)
    kept = {}
    for person in (cast.member, cast.stranger):
        with scope.account(person.account_id):
            made = [
                IdentitySession.objects.create(
                    account_id=person.account_id,
                    digest=unique("d"),
                    auth_time=now,
                    last_active_at=now,
                    **times,
                )
                for times in (
                    {"expires_at": now + timedelta(days=1), "ended_at": long_ago},
                    {"expires_at": long_ago},
                    {"expires_at": now + timedelta(days=1), "ended_at": lately},
                    {"expires_at": now + timedelta(days=1)},
                )
            ]
        kept[person.account_id] = {row.id for row in made[2:]}
    housekeeping.run()
    for account_id, expected in kept.items():
        with scope.account(account_id):
            assert set(IdentitySession.objects.values_list("id", flat=True)) == expected
