"""Private directories, short socket paths, locks and generated secrets for the embedded servers."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# A Unix socket address holds 108 bytes on Linux and 104 on macOS, final zero included.
SOCKET_PATH_LIMIT = 100
LONGEST_SOCKET_NAME = len("/.s.PGSQL.5432.lock")


class EmbeddedError(RuntimeError):
    """An embedded server cannot run; the message is one sentence for the person at the terminal."""


def private_directory(path: Path) -> Path:
    """Make the directory with mode 0700; raises EmbeddedError when another user owns it."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise EmbeddedError(f"{path} belongs to someone else. Remove it or set another directory.")
    if stat.S_IMODE(found.st_mode) != 0o700:
        path.chmod(0o700)
    return path


def socket_directory(home: Path) -> Path:
    """Return a private directory for sockets: `home/run`, or a short one under /tmp when that is too long.

    The short name depends on `home` and the user only, so that every process finds the same place.
    """
    wanted = home.resolve() / "run"
    if len(os.fsencode(wanted)) + LONGEST_SOCKET_NAME <= SOCKET_PATH_LIMIT:
        return private_directory(wanted)
    digest = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:12]
    base = tempfile.gettempdir()
    base = base if len(base) < 40 else "/tmp"
    return private_directory(Path(base) / f"claviger-{os.geteuid()}-{digest}")


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock file alone; the kernel releases it if this process dies."""
    with path.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def secret_file(path: Path) -> str:
    """Return the file's secret, made on first use: 256 random bits, mode 0600."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    with os.fdopen(descriptor, "w") as handle:
        handle.write(secrets.token_urlsafe(32))
    return path.read_text(encoding="ascii")


def write_private(path: Path, content: str) -> None:
    """Replace the file in one step, mode 0600 from the start."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(content)
    draft.replace(path)
