"""Supervised processes: started, restarted when they die, stopped in order and in bounded time."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from embedded import console, process
from embedded.files import EmbeddedError
from embedded.process import Launch

# A process that dies at once and again is given time; one that ran well is restarted immediately.
BACKOFF = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0)
HEALTHY_SECONDS = 10.0


def nothing() -> None:
    return None


def always() -> bool:
    return True


@dataclass
class Child:
    """One supervised process: how to prepare and start it, when it is ready, how to stop it."""

    name: str
    launch: Callable[[], Launch]
    prepare: Callable[[], None] = nothing
    is_ready: Callable[[], bool] = always
    stop_signal: signal.Signals = signal.SIGTERM
    number: int = 0
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    due: float = 0.0

    def start(self) -> None:
        self.prepare()
        self.process = process.spawn(self.launch(), output=subprocess.PIPE)
        self.started = time.monotonic()
        assert self.process.stdout is not None
        console.relay(self.name, self.process.stdout, self.number)

    def has_ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def ended(self) -> None:
        """Note the end, clear what the process left running, and decide when it comes back."""
        assert self.process is not None
        lived = time.monotonic() - self.started
        self.failures = 0 if lived > HEALTHY_SECONDS else self.failures + 1
        delay = BACKOFF[min(max(self.failures - 1, 0), len(BACKOFF) - 1)]
        self.due = time.monotonic() + delay
        how = describe(self.process.returncode)
        console.say(f"{self.name} ended ({how}); it comes back in {delay:.1f} s.")
        self.kill_group()
        self.process = None

    def kill_group(self) -> None:
        """Kill the process and those it started, which may have outlived it."""
        if self.process is not None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                return

    def wait_ready(self, seconds: float, interrupted: Callable[[], bool]) -> None:
        """Wait until the child is ready; raises EmbeddedError when it ends first or takes too long."""
        deadline = time.monotonic() + seconds
        while not self.is_ready():
            if interrupted():
                return
            if self.has_ended():
                assert self.process is not None
                how = describe(self.process.returncode)
                raise EmbeddedError(f"{self.name} did not start ({how}); see above.")
            if time.monotonic() > deadline:
                raise EmbeddedError(f"{self.name} was not ready within {seconds:.0f} s.")
            time.sleep(process.POLL)


def describe(status: int) -> str:
    """Return a process's end in words: its status, or the signal that killed it."""
    if status >= 0:
        return f"status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"


def revive(children: Sequence[Child]) -> None:
    """Restart those that died, each when it is due."""
    for child in children:
        if child.has_ended():
            child.ended()
        if child.process is None and time.monotonic() >= child.due:
            try:
                child.start()
            except (EmbeddedError, OSError) as error:
                console.complain(f"{child.name} cannot start: {error}")
                child.failures += 1
                child.due = time.monotonic() + BACKOFF[min(child.failures, len(BACKOFF) - 1)]


def stop(children: Sequence[Child], seconds: float) -> None:
    """Ask all of them to end, wait together, then kill what is left with everything it started."""
    for child in children:
        if child.process is not None and child.process.poll() is None:
            process.signal_quietly(child.process.pid, child.stop_signal)
    deadline = time.monotonic() + seconds
    for child in children:
        if child.process is None:
            continue
        try:
            child.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            console.say(f"{child.name} did not stop in {seconds:.0f} s and is killed.")
        child.kill_group()
        child.process.wait()
        child.process = None
