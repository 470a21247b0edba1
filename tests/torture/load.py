"""Writers that never stop: each write has an Idempotency-Key and is repeated until it is answered."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

PATIENCE = 60.0  # seconds that one write may be repeated
PAUSE = 0.35  # between writes of one writer, below the rate limits of its key
RETRIED = {409, 429, 500, 502, 503}


@dataclass(frozen=True)
class Target:
    """Where a writer writes: the tenant's API and a key for it."""

    tenant: str
    api: str
    key: str


@dataclass
class Write:
    """One intended write. `name` is unique, so that its effects can be counted afterwards."""

    target: Target
    collection: str
    name: str
    key: str = field(default_factory=lambda: secrets.token_hex(16))
    id: str = ""  # of the object, once acknowledged
    tries: int = 0
    started: float = 0.0
    acknowledged: float = 0.0
    refusal: str = ""

    @property
    def body(self) -> dict[str, str]:
        if self.collection == "members":
            return {"name": self.name, "email": f"{self.name}@torture.example"}
        return {"name": self.name}


class Load:
    """Several writers and what they wrote."""

    def __init__(self, targets: list[Target], *, writers: int) -> None:
        self.writes: list[Write] = []
        self.unexpected: list[str] = []
        self._stop = threading.Event()
        self._lock = threading.Lock()
        plan = [
            (targets[n % len(targets)], ("members", "organizations")[n // len(targets) % 2])
            for n in range(writers)
        ]
        self._threads = [threading.Thread(target=self._write_on, args=pair, daemon=True) for pair in plan]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish the writes that are under way."""
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE + 10)

    def acknowledged_after(self, moment: float) -> float | None:
        """Return when a write that began after the moment was first acknowledged, None if none was yet."""
        with self._lock:
            recent = [
                write.acknowledged for write in self.writes[-200:] if write.started > moment and write.id
            ]
        return min(recent, default=None)

    def _write_on(self, target: Target, collection: str) -> None:
        with httpx.Client(base_url=target.api, headers={"X-API-Key": target.key}, timeout=10) as client:
            while not self._stop.is_set():
                write = Write(target, collection, f"t{secrets.token_hex(8)}")
                with self._lock:
                    self.writes.append(write)
                self._until_answered(client, write)
                time.sleep(PAUSE)

    def _until_answered(self, client: httpx.Client, write: Write) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            write.started = time.monotonic()
            write.tries += 1
            answer = self._send(client, write)
            if answer is None:
                time.sleep(0.2)
            elif answer.is_success:
                write.acknowledged, write.id = time.monotonic(), answer.json()["id"]
                return
            elif answer.status_code in RETRIED and not _is_conflict(answer):
                self._note(answer)
                time.sleep(min(float(answer.headers.get("Retry-After", 0.3)), 2.0))
            else:
                write.refusal = f"{answer.status_code} {answer.text[:200]}"
                return
        write.refusal = "no answer in time"

    def _send(self, client: httpx.Client, write: Write) -> httpx.Response | None:
        try:
            return client.post(
                f"/{write.collection}", json=write.body, headers={"Idempotency-Key": write.key}
            )
        except httpx.HTTPError:
            return None

    def _note(self, answer: httpx.Response) -> None:
        """Remember answers that a fault must not cause: R8 asks for 503 with Retry-After."""
        fault = answer.status_code == 500 or (
            answer.status_code == 503 and "Retry-After" not in answer.headers
        )
        if fault:
            with self._lock:
                self.unexpected.append(f"{answer.status_code} {answer.text[:200]}")


def _is_conflict(answer: httpx.Response) -> bool:
    """Whether another row stands in the way; that this request still runs elsewhere is no conflict."""
    problem: dict[str, Any] = answer.json() if answer.status_code == 409 else {}
    return problem.get("code", "idempotency_in_progress") != "idempotency_in_progress"
