"""The npm clients: installed on demand into `.test/`, run as scripts that ask us to be their person.

A script prints one JSON object a line. `{"visit": address, "until": address}` asks for a person to go there; the
answer on its input is `{"callback": address}`. `{"approve": code}` asks them to allow a device; it needs no answer.
`{"done": {…}}` is what it found.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from embedded.files import exclusive, private_directory
from tests.protocol.hosted_pages import HostedPages
from tests.servers import HOME

SOURCE = Path(__file__).parent / "node"
MANIFESTS = ("package.json", "package-lock.json")
INSTALL = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
INSTALL_SECONDS = 100
SCRIPT_SECONDS = 60


def installed() -> Path:
    """Return the directory with the packages of the lock and the scripts; skips where that fails."""
    if not (shutil.which("npm") and shutil.which("node")):
        pytest.skip("SKIPPED OUT LOUD: there is no npm here, so no JavaScript client was tried")
    home = private_directory(HOME / "node")
    with exclusive(home / "install.lock"):
        wanted = hashlib.sha256(b"".join((SOURCE / name).read_bytes() for name in MANIFESTS)).hexdigest()
        stamp = home / "installed"
        if not stamp.exists() or stamp.read_text() != wanted:
            install(home)
            stamp.write_text(wanted)
        for script in SOURCE.glob("*.mjs"):
            shutil.copyfile(script, home / script.name)
    return home


def install(home: Path) -> None:
    for name in MANIFESTS:
        shutil.copyfile(SOURCE / name, home / name)
    try:
        done = subprocess.run(
            INSTALL, cwd=home, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.skip("SKIPPED OUT LOUD: the npm registry does not answer, so no JavaScript client was tried")
    if done.returncode:
        pytest.skip(f"SKIPPED OUT LOUD: the npm clients cannot be installed here: {done.stderr[-500:]}")


def run(
    home: Path,
    script: str,
    scenario: str,
    given: dict[str, Any],
    browser: HostedPages,
    approve: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Run a scenario and be its person; returns what it found. Fails with what it wrote when it ends badly."""
    process = subprocess.Popen(
        ["node", "--no-warnings", script, scenario, json.dumps(given)],
        cwd=home,
        env={"PATH": os.environ["PATH"], "HOME": str(home)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        found = converse(process, browser, approve)
        output, errors = process.communicate(timeout=SCRIPT_SECONDS)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0 and found is not None, f"{script} {scenario}: {output}{errors}"
    return found


def converse(
    process: subprocess.Popen[str], browser: HostedPages, approve: Callable[[str], None] | None
) -> dict[str, Any] | None:
    assert process.stdout is not None and process.stdin is not None
    for line in process.stdout:
        said = json.loads(line)
        if "done" in said:
            return dict(said["done"])
        if "approve" in said:
            assert approve is not None
            approve(said["approve"])
            continue
        callback = browser.go(said["visit"], until=said["until"])
        address = callback.address
        if callback.method == "POST":
            address = f"{address}?{urlencode(callback.parameters)}"
        process.stdin.write(json.dumps({"callback": address, "method": callback.method}) + "\n")
        process.stdin.flush()
    return None
