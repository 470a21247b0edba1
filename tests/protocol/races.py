"""Fifty at once with the same thing that is good for one: exactly one wins, whichever process each one meets.

A race makes something fresh each round; all contestants hold an open connection, wait for each other, and send the
same bytes. `CLAVIGER_RACE_ROUNDS=200` runs more rounds than the suite does.
"""

from __future__ import annotations

import http.client
import os
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

CONTESTANTS = 50
ROUNDS = int(os.environ.get("CLAVIGER_RACE_ROUNDS") or 2)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class Shot:
    """What every contestant sends; `path` is absolute on the server."""

    path: str
    fields: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    method: str = "POST"
    source: str = "127.0.0.1"  # the contestants' own address, which limits count by

    @property
    def payload(self) -> bytes:
        return urlencode(self.fields).encode() if self.body is None else self.body


@dataclass(frozen=True)
class Answer:
    status: int
    location: str


@dataclass
class Outcome:
    """How many rounds had how many winners, and every status that was answered."""

    winners: Counter[int] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)


def race(
    port: int, prepare: Callable[[], Shot], *, wins: Callable[[Answer], bool], rounds: int = ROUNDS
) -> Outcome:
    outcome = Outcome()
    for _ in range(rounds):
        answers = fire(port, prepare())
        outcome.winners[sum(map(wins, answers))] += 1
        outcome.statuses.update(answer.status for answer in answers)
    return outcome


def fire(port: int, shot: Shot) -> list[Answer]:
    """Send the shot fifty times at the same moment."""
    gate = threading.Barrier(CONTESTANTS)
    answers: list[Answer] = []

    def contest() -> None:
        connection = http.client.HTTPConnection(
            "localhost", port, timeout=60, source_address=(shot.source, 0)
        )
        try:
            connection.connect()
            gate.wait(60)
            connection.request(shot.method, shot.path, shot.payload, {**FORM, **shot.headers})
            answer = connection.getresponse()
            answer.read()
            answers.append(Answer(answer.status, answer.headers.get("Location", "")))
        finally:
            connection.close()

    threads = [threading.Thread(target=contest) for _ in range(CONTESTANTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == CONTESTANTS, "a contestant got no answer"
    return answers


def path_of(address: str) -> str:
    parts = urlsplit(address)
    return parts.path + (f"?{parts.query}" if parts.query else "")
