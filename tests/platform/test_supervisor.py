"""The development supervisor, with real servers and a small program in the application's place."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from embedded import children, process, supervisor
from embedded.children import Child
from embedded.process import Launch

ROOT = Path(__file__).resolve().parents[2]
# The parent's death must be noticed by what a child started, too, so the worker starts one more process.
DRIVER = """
import sys
from embedded import programs, supervisor

SLEEP = "import time; time.sleep(600)"
WORKER = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEP!r}])"
programs.all_of = lambda port, var: [
    ("web", ["-m", "http.server", "--bind", "127.0.0.1", str(port)]),
    ("worker", ["-c", WORKER]),
]
supervisor.manage = lambda *words: print("manage", *words, flush=True)
sys.exit(supervisor.main())
"""
FORGOTTEN = re.compile("DATABASE|REDIS|CLAVIGER|ORIGIN|SECRET|PEPPER|PYTEST|DJANGO|VAR_DIR|PORT")


class Terminal:
    """A supervisor started as a person would start it."""

    def __init__(self, var: Path, port: int, **variables: str) -> None:
        self.var, self.port = var, port
        self.log = var.with_name(f"{var.name}-{port}.log")
        clean = {name: value for name, value in os.environ.items() if not FORGOTTEN.search(name)}
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", DRIVER, "--port", str(port)],
                cwd=ROOT,
                env={**clean, "VAR_DIR": str(var), **variables},
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    @property
    def text(self) -> str:
        return self.log.read_text()

    def wait_for(self, pattern: str, seconds: float = 20.0) -> str:
        found = eventually(lambda: re.search(pattern, self.text) or self._alive(), seconds)
        assert isinstance(found, re.Match), f"{pattern!r} did not appear in:\n{self.text}"
        return found[0]

    def children(self) -> dict[str, int]:
        """Return the direct children by program."""
        listed = subprocess.run(
            ["ps", "-ww", "-o", "pid=,stat=,args=", "--ppid", str(self.process.pid)],
            capture_output=True, text=True, check=False,
        ).stdout.splitlines()  # fmt: skip
        rows = [line.split(None, 2) for line in listed]
        names = {
            "valkey-server": "valkey",
            "bin/postgres": "postgres",
            "http.server": "web",
            "subprocess": "worker",
        }
        living = [(int(pid), args) for pid, state, args in rows if not state.startswith("Z")]
        return {name: pid for pid, args in living for part, name in names.items() if part in args}

    def _alive(self) -> bool:
        assert self.process.poll() is None, f"it ended with {self.process.returncode}:\n{self.text}"
        return False


def eventually(check, seconds: float = 15.0):
    deadline = time.monotonic() + seconds
    while not (found := check()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def start(tmp_path):
    started: list[Terminal] = []

    def start(port: int | None = None, **variables: str) -> Terminal:
        started.append(Terminal(tmp_path / "var", port or free_port(), **variables))
        return started[-1]

    yield start
    for terminal in started:
        if terminal.process.poll() is None:
            terminal.process.terminate()
        terminal.process.wait(30)


@pytest.mark.slow
def test_it_starts_everything_points_a_second_start_to_it_and_leaves_nothing_behind(start):
    first = start()
    first.wait_for(f"Claviger runs at http://localhost:{first.port}")
    assert set(first.children()) == {"valkey", "postgres", "web", "worker"}
    assert "manage migrate" in first.text

    second = start()
    assert second.process.wait(10) == 0
    assert f"already runs at http://localhost:{first.port} (process {first.process.pid})" in second.text

    pids = list(first.children().values())
    first.process.send_signal(signal.SIGINT)
    assert first.process.wait(20) == 0
    assert process.wait_until_gone(pids, 1) and not listens(first.port)
    assert not process.working_in(first.var / "postgres" / "data", "postgres")

    warm = start()
    began = time.monotonic()
    warm.wait_for("Claviger runs at")
    assert time.monotonic() - began < 5
    assert "manage migrate" not in warm.text


@pytest.mark.slow
def test_R7_each_process_comes_back_after_a_kill(start):
    terminal = start()
    terminal.wait_for("Claviger runs at")
    assert len(terminal.children()) == 4
    for name, pid in terminal.children().items():
        os.kill(pid, signal.SIGKILL)
        assert eventually(lambda name=name, pid=pid: terminal.children().get(name, pid) != pid), name
        terminal.wait_for(rf"{name} ended \(killed by SIGKILL\); it comes back in 0.0 s")
    assert eventually(lambda: listens(terminal.port))
    keys = json.loads((terminal.var / "keys.json").read_text())
    conninfo = {
        "host": str(terminal.var / "postgres" / "run"),
        "user": "claviger_app",
        "password": keys["password:claviger_app"],
        "dbname": "claviger",
    }

    def answers() -> bool:
        try:
            with psycopg.connect(**conninfo) as connection:
                return connection.execute("SELECT true").fetchone() == (True,)
        except psycopg.OperationalError:
            return False

    assert eventually(answers)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_its_own_kill_takes_the_children_along(start):
    terminal = start()
    terminal.wait_for("Claviger runs at")
    pids = list(terminal.children().values())
    terminal.process.kill()
    terminal.process.wait()
    assert process.wait_until_gone(pids, 10)


def test_a_port_in_use_is_named_with_the_way_out(start):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        refused = start(port)
        assert refused.process.wait(10) == 1
    assert f"Port {port} is not free" in refused.text
    assert f"./bin/dev --port {port + 1}" in refused.text
    assert "Traceback" not in refused.text


@pytest.mark.parametrize("text", ["70000", "0", "-1", "web"])
def test_a_port_that_cannot_be_is_refused_in_words(text, capsys):
    with pytest.raises(SystemExit):
        supervisor.parse(["--port", text])
    assert "--port" in capsys.readouterr().err
    assert supervisor.parse(["--port", "8001"]).port == 8001


def test_a_stop_during_the_start_is_clean(start):
    terminal = start()
    terminal.wait_for(r"Applying|postgres|manage", 10)
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.process.wait(20) == 0
    assert "Traceback" not in terminal.text and not terminal.children()


def test_servers_of_ones_own_are_used_and_nothing_is_embedded(start):
    terminal = start(DATABASE_URL="postgresql://app:pw@db/claviger", REDIS_URL="redis://cache/0")
    terminal.wait_for("Claviger runs at")
    assert set(terminal.children()) == {"web", "worker"}
    assert not (terminal.var / "postgres").exists() and not (terminal.var / "valkey").exists()


def test_keys_are_made_once_and_kept_private(start):
    first = start(DATABASE_URL="postgresql://app:pw@db/claviger", REDIS_URL="redis://cache/0")
    first.wait_for("Claviger runs at")
    path = first.var / "keys.json"
    assert path.stat().st_mode & 0o777 == 0o600 and first.var.stat().st_mode & 0o777 == 0o700
    assert not any(value in first.text for value in json.loads(path.read_text()).values())


def test_a_process_that_dies_at_once_is_given_more_time_each_time(capsys):
    child = Child("broken", lambda: Launch([sys.executable, "-c", "raise SystemExit(3)"]))
    delays = []
    for _ in range(4):
        child.start()
        assert child.process is not None
        child.process.wait(10)
        child.ended()
        delays.append(round(child.due - time.monotonic(), 1))
    assert delays == [0.0, 0.5, 1.0, 2.0]
    assert "broken ended (status 3)" in capsys.readouterr().out


def test_a_process_that_ignores_the_stop_is_killed_in_bounded_time():
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    child = Child("stubborn", lambda: Launch([sys.executable, "-c", stubborn]))
    child.start()
    assert child.process is not None
    pid = child.process.pid
    time.sleep(0.5)
    began = time.monotonic()
    children.stop([child], 0.5)
    assert time.monotonic() - began < 3 and not process.is_alive(pid)
