"""Finding the processes of an installation, and killing them with no chance to say goodbye."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable

import psutil

from embedded.installation import Installation

MARKS = {
    "web": "granian",
    "worker": " worker --pool",
    "beat": " beat --schedule",
    "sealer": "manage.py sealer",
    "valkey": "valkey-server",
    "postgres": "/postgres",
}
VICTIMS = ("web", "worker", "sealer", "valkey", "postgres", "backend")


def kill(installation: Installation, victim: str) -> int:
    """Kill -9 a component's process and return its id; waits for one that is just being started."""
    deadline = time.monotonic() + 30
    choose: Callable[[], psutil.Process | None] = (
        (lambda: backend(installation))
        if victim == "backend"
        else (lambda: main_process(installation, victim))
    )
    while (chosen := choose()) is None:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{victim} does not run:\n{installation.tail()}")
        time.sleep(0.05)
    chosen.send_signal(signal.SIGKILL)
    return chosen.pid


def is_back(installation: Installation, victim: str, killed: int) -> bool:
    """Whether another process does the killed one's work."""
    if victim == "backend":
        return True
    found = main_process(installation, victim)
    return found is not None and found.pid != killed


def main_process(installation: Installation, name: str) -> psutil.Process | None:
    """Return the component's own process, below whatever launched it.

    Of the web server it is the parent one time and the process that answers the next: either may die.
    """
    for child in _children(installation):
        if MARKS[name] in _command(child):
            below = [process for process in _below(child) if MARKS[name] in _command(process)]
            if name == "web" and below:
                return random.choice([child, below[0]])
            return _postmaster(child) if name == "postgres" else child
    return None


def backend(installation: Installation) -> psutil.Process | None:
    """Return one connection's server process; killing it makes PostgreSQL recover as after a crash."""
    postmaster = main_process(installation, "postgres")
    found = (
        [process for process in _below(postmaster) if "claviger_app" in _command(process)]
        if postmaster
        else []
    )
    return random.choice(found) if found else None


def _postmaster(child: psutil.Process) -> psutil.Process | None:
    candidates = [child, *_below(child)]
    return next((process for process in candidates if _name(process) == "postgres"), None)


def _children(installation: Installation) -> list[psutil.Process]:
    assert installation.supervisor is not None
    return psutil.Process(installation.supervisor.pid).children()


def _below(process: psutil.Process) -> list[psutil.Process]:
    try:
        found: list[psutil.Process] = process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return found


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _name(process: psutil.Process) -> str:
    try:
        return "" if process.status() == psutil.STATUS_ZOMBIE else str(process.name())
    except psutil.Error:
        return ""
