"""What the scripts say when the machine is not ready, in a copy of the clone without an environment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.lock", "requirements-production.lock", "requirements-embedded.lock")


@pytest.fixture
def clone(tmp_path):
    shutil.copytree(ROOT / "bin", tmp_path / "bin")
    for name in LOCKS:
        (tmp_path / name).write_text("")
    return tmp_path


def python(clone: Path, body: str) -> str:
    """Return a Python interpreter of our making."""
    path = clone / "python-under-test"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def run(clone: Path, interpreter: str, script: str = "dev") -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHON": interpreter, "HOME": str(clone)}
    return subprocess.run(
        [clone / "bin" / script], env=environment, capture_output=True, text=True, check=False, timeout=30
    )


@pytest.mark.parametrize("script", ["dev", "test", "lint"])
def test_an_old_python_is_named_with_what_to_install(clone, script):
    old = python(clone, 'case "$1" in --version) echo "Python 3.9.2";; *) exit 1;; esac')
    refused = run(clone, old, script)
    assert refused.returncode == 1
    assert "needs Python 3.11 or newer; found: Python 3.9.2" in refused.stderr
    assert not (clone / ".venv").exists()


def test_no_python_at_all_is_said_in_the_same_words(clone):
    refused = run(clone, "/nonexistent/python3")
    assert refused.returncode == 1 and "found: none" in refused.stderr


def test_a_python_without_venv_is_named_with_the_package(clone):
    bare = python(clone, f'case "$2" in *ensurepip*) exit 1;; *) exec {sys.executable} "$@";; esac')
    refused = run(clone, bare)
    assert refused.returncode == 1 and "apt-get install python3-venv" in refused.stderr


def test_of_several_the_quickest_that_will_do_is_taken(clone):
    answers = {
        "old": "exit 1",
        "slow": 'echo "3000 $0"',
        "quick": 'echo "900 $0"',
    }
    for name, answer in answers.items():
        (clone / name).mkdir()
        # It answers the trial, and cannot make an environment.
        path = clone / name / "python3"
        path.write_text(f'#!/bin/sh\ncase "$1" in -c) {answer};; *) exit 1;; esac\n')
        path.chmod(0o755)
    # The tools that the script needs, and no interpreter of the machine.
    tools = clone / "tools"
    tools.mkdir()
    for tool in ("sh", "cat", "cksum", "cut", "dirname", "head", "rm", "sort"):
        (tools / tool).symlink_to(str(shutil.which(tool)))
    places = [*(str(clone / name) for name in answers), str(tools)]
    refused = subprocess.run(
        [clone / "bin" / "dev"],
        env={"PATH": ":".join(places), "HOME": str(clone)},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert f"Making .venv with {clone}/quick/python3" in refused.stderr
    assert "Could not make the environment" in refused.stderr


def test_a_failed_installation_leaves_no_stamp(clone):
    installed = clone / ".venv" / "bin" / "python"
    installed.parent.mkdir(parents=True)
    installed.write_text('#!/bin/sh\n[ "$1" = -c ] || exit 1\n')
    installed.chmod(0o755)
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(clone)}  # no uv
    refused = subprocess.run(
        [clone / "bin" / "dev"], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert refused.returncode == 1 and "could not be installed" in refused.stderr
    assert not list((clone / ".venv").glob("*.cksum"))
