"""CPU time of process trees, by component, from the scheduler's own account."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import psutil

from embedded.installation import Installation

MARKS = {"web": "granian", "postgres": "/postgres", "valkey": "valkey-server"}


class Meter:
    """Adds up the processor time of named process trees."""

    def __init__(self, roots: Mapping[str, int]) -> None:
        self.roots = roots

    @classmethod
    def of(cls, installation: Installation) -> Meter:
        """Watch the web server, PostgreSQL and Valkey of an installation."""
        assert installation.supervisor is not None
        found = {}
        for child in psutil.Process(installation.supervisor.pid).children():
            command = " ".join(child.cmdline())
            found.update({name: child.pid for name, mark in MARKS.items() if mark in command})
        return cls(found)

    def read(self) -> dict[str, float]:
        """Return milliseconds since the start of each tree's living processes."""
        return {name: sum(map(_milliseconds, _tree(pid))) for name, pid in self.roots.items()}


def _tree(pid: int) -> list[int]:
    process = psutil.Process(pid)
    return [pid, *(child.pid for child in process.children(recursive=True))]


def _milliseconds(pid: int) -> float:
    """Return the time of all threads; `schedstat` counts nanoseconds, the usual account only ticks of 10 ms."""
    total = 0
    for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        try:
            total += int(thread.read_text(encoding="ascii").split()[0])
        except (OSError, IndexError, ValueError):
            continue  # the thread ended meanwhile
    return total / 1e6
