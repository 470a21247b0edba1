"""What the person at the terminal reads: children's lines with a prefix, and the supervisor's own."""

from __future__ import annotations

import sys
import threading
from typing import IO

WIDTH = 9
COLOURS = ["36", "33", "32", "35", "34", "31"]
_printing = threading.Lock()


def say(text: str) -> None:
    """Print the supervisor's own words."""
    with _printing:
        print(text, flush=True)


def complain(text: str) -> None:
    with _printing:
        print(text, file=sys.stderr, flush=True)


def relay(name: str, stream: IO[bytes], number: int) -> threading.Thread:
    """Print the stream's lines behind the child's name until it ends; returns the thread that does."""
    prefix = f"{name:<{WIDTH}}| "
    if sys.stdout.isatty():
        prefix = f"\033[{COLOURS[number % len(COLOURS)]}m{prefix}\033[0m"
    thread = threading.Thread(target=_relay, args=(prefix, stream), daemon=True)
    thread.start()
    return thread


def _relay(prefix: str, stream: IO[bytes]) -> None:
    with stream:
        for line in stream:
            text = line.decode("utf-8", "replace").rstrip()
            if text:
                say(prefix + text)
