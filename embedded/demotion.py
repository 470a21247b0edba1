"""Running PostgreSQL, which refuses to run as root, when the person at the terminal is root.

A user namespace with one entry makes root appear as an ordinary user inside, while files and sockets
stay root's outside. Where the kernel or a container forbids namespaces, PostgreSQL runs as `nobody`
and its files live in a place that `nobody` can reach.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from embedded.files import EmbeddedError

NOBODY = 65534
NAMESPACE = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]


@dataclass(frozen=True)
class Demotion:
    """What goes before a command, and the user it must run as when that is not us."""

    prefix: list[str] = field(default_factory=list)
    user: int | None = None


@functools.cache
def demotion() -> Demotion:
    """Return how to lose root's rights; nothing to do for an ordinary user."""
    if os.geteuid() != 0:
        return Demotion()
    if shutil.which(NAMESPACE[0]) and _succeeds([*NAMESPACE, "true"]):
        return Demotion(prefix=NAMESPACE)
    return Demotion(user=NOBODY)


def _succeeds(command: list[str], user: int | None = None) -> bool:
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    try:
        return subprocess.run(command, **quiet, user=user, check=False).returncode == 0  # type: ignore[call-overload,no-any-return]
    except OSError:
        return False


def home_for(home: Path, how: Demotion) -> Path:
    """Return where the server's files go: `home`, or a directory of `nobody` under /var/tmp."""
    if how.user is None:
        return home
    digest = hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:12]
    path = Path("/var/tmp") / f"claviger-{digest}"
    path.mkdir(mode=0o700, exist_ok=True)
    owner = path.lstat().st_uid
    if path.is_symlink() or owner not in {0, how.user}:
        raise EmbeddedError(f"{path} belongs to someone else. Remove it and start again.")
    os.chown(path, how.user, how.user)
    return path


def reachable_binaries(binaries: Path, home: Path, how: Demotion) -> Path:
    """Return a copy of the binaries beside the data when `nobody` cannot enter the original place."""
    if how.user is None or _succeeds([str(binaries / "postgres"), "--version"], how.user):
        return binaries
    package = binaries.parent.parent
    copy = home / "packages"
    # Beside the package lie the libraries that its binaries look for by a relative path.
    for part in (package.with_name(f"{package.name}.libs"), package):
        if part.exists() and not (copy / part.name).exists():
            shutil.copytree(part, copy / part.name, symlinks=True)
    for path in [copy, *copy.rglob("*")]:
        os.chown(path, how.user, how.user, follow_symlinks=False)
    return copy / binaries.relative_to(package.parent)
