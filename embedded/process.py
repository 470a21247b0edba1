"""Starting, finding and ending server processes, including those a dead supervisor left behind."""

from __future__ import annotations

import ctypes
import functools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1
POLL = 0.02


@dataclass(frozen=True)
class Launch:
    """How to start one process: arguments, extra environment, and a user id when it must not run as ours."""

    arguments: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    user: int | None = None
    directory: Path | None = None


def spawn(
    launch: Launch, *, output: int | IO[bytes], dies_with_parent: bool = True
) -> subprocess.Popen[bytes]:
    """Start the process in a process group of its own, without a terminal to read from.

    Its own group lets a stop be orderly (Ctrl-C at the terminal reaches the parent only) and lets what
    a killed process leaves behind be found and ended.
    """
    return subprocess.Popen(
        launch.arguments,
        env={**os.environ, **launch.environment},
        cwd=launch.directory,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        process_group=0,
        user=launch.user,
        group=launch.user,
        extra_groups=None if launch.user is None else [],
        # Only calls that were looked up before the fork, so threads of ours cannot hold what it needs.
        preexec_fn=_die_with_parent(os.getpid()) if dies_with_parent else None,  # noqa: PLW1509
    )


def _die_with_parent(parent: int) -> functools.partial[None] | None:
    return functools.partial(_ask_for_signal, _libc(), parent) if sys.platform == "linux" else None


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def _ask_for_signal(libc: ctypes.CDLL, parent: int) -> None:
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGINT)
    if os.getppid() != parent:  # it died before the request was made
        os._exit(1)


def is_alive(pid: int) -> bool:
    """Whether the process runs; a zombie that nobody has collected yet does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return not Path("/proc/self").exists()
    return not status.rpartition(")")[2].lstrip().startswith("Z")


def wait_until_gone(pids: list[int], seconds: float) -> bool:
    """Return whether all processes ended within the time."""
    deadline = time.monotonic() + seconds
    while any(is_alive(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL)
    return True


def working_in(directory: Path, program: str) -> list[int]:
    """Return the processes of `program` whose working directory is `directory` (Linux; elsewhere none)."""
    found = []
    wanted = {str(directory.resolve()), f"{directory.resolve()} (deleted)"}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if str((entry / "cwd").readlink()) in wanted and (entry / "exe").readlink().name == program:
                found.append(int(entry.name))
        except OSError:
            continue  # it ended meanwhile, or is not ours to look at
    return found


def reap(directory: Path, program: str, *, grace: float = 5.0) -> None:
    """End whatever still works in the directory: first with SIGTERM's grace, then with SIGKILL."""
    for number, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, 5.0)):
        pids = working_in(directory, program)
        if not pids:
            return
        for pid in pids:
            signal_quietly(pid, number)
        if wait_until_gone(pids, patience):
            return


def signal_quietly(pid: int, number: int) -> None:
    """Send a signal to a process that may have ended."""
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return
