"""CPU time of process trees, by component, from the scheduler's own account."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

import psutil

from embedded.installation import Installation

CPUCLOCK_SCHED = 2
CUTIME = 13  # of /proc/pid/stat, counted behind the name
TICKS = os.sysconf("SC_CLK_TCK")
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


def settle(meter: Meter, seconds: float = 8.0, patience: float = 60.0) -> None:
    """Wait until nothing has worked for so long: the worker comes up last, and then delivers what the demo promised."""
    step, idle = 0.5, 4.0  # seconds, and milliseconds of processor time in one step
    quiet, until = 0.0, time.monotonic() + patience
    while quiet < seconds and time.monotonic() < until:
        before = sum(meter.read().values())
        time.sleep(step)
        quiet = quiet + step if sum(meter.read().values()) - before < idle else 0.0


def _tree(pid: int) -> list[int]:
    process = psutil.Process(pid)
    return [pid, *(child.pid for child in process.children(recursive=True))]


def _milliseconds(pid: int) -> float:
    """Return the time of a process with its ended threads, and of its ended children.

    The first comes from the process's own clock (clock_getcpuclockid(3)), in nanoseconds; the second only in ticks.
    """
    clock = (~pid) << 3 | CPUCLOCK_SCHED
    try:
        own = time.clock_gettime_ns(clock) / 1e6
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0  # it ended meanwhile; its parent accounts for it
    ended = int(fields[CUTIME]) + int(fields[CUTIME + 1])
    return own + ended * 1000 / TICKS
