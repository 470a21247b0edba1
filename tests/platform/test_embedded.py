"""The embedded servers: private, found by whoever needs them, back at once after a kill."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest

import embedded.postgres
from embedded import demotion, files, process
from embedded.files import EmbeddedError
from embedded.postgres import Postgres
from embedded.valkey import Valkey

ROOT = Path(__file__).resolve().parents[2]
RACER = """
import sys, pathlib
from embedded.postgres import Postgres
home = pathlib.Path(sys.argv[1])
Postgres(home, durable=False).attach(home / "log")
"""


@pytest.fixture(scope="module")
def made():
    """A server that was made and never started; a copy of it costs a tenth of another."""
    with TemporaryDirectory(prefix="cv-") as home:
        server = Postgres(Path(home) / "postgres", durable=False)
        server.prepare()
        yield server


@pytest.fixture
def postgres(tmp_path, made):
    home = tmp_path / "postgres"
    subprocess.run(["cp", "-a", made.home, home], check=True)
    server = Postgres(home, durable=False)
    yield server
    server.stop()


def server_pid(server: Postgres) -> int:
    return int((server.data / "postmaster.pid").read_text().split()[0])


def test_it_listens_on_a_socket_only_its_owner_reaches(postgres, tmp_path):
    postgres.attach(tmp_path / "log")
    assert stat.S_IMODE(postgres.sockets.stat().st_mode) == 0o700
    with psycopg.connect(postgres.conninfo()) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert connection.execute("SHOW fsync").fetchone() == ("off",)


def test_the_password_is_asked_for_even_on_the_socket(postgres, tmp_path):
    postgres.attach(tmp_path / "log")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(host=str(postgres.sockets), user="postgres", password="wrong", dbname="postgres")


def test_processes_that_race_share_one_server(tmp_path):
    home = tmp_path / "postgres"
    home.mkdir(mode=0o700)
    racers = [subprocess.Popen([sys.executable, "-c", RACER, str(home)], cwd=ROOT) for _ in range(4)]
    assert [racer.wait(60) for racer in racers] == [0, 0, 0, 0]
    server = Postgres(home, durable=False)
    try:
        postmasters = [
            pid for pid in process.working_in(server.data, "postgres") if pid == server_pid(server)
        ]
        assert len(postmasters) == 1 and server.is_ready()
    finally:
        server.stop()


def test_R8_a_killed_server_is_back_at_once_with_what_it_had(postgres, tmp_path):
    postgres.attach(tmp_path / "log")
    with psycopg.connect(postgres.conninfo()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
        connection.commit()
        os.kill(server_pid(postgres), signal.SIGKILL)
        started = time.monotonic()
        postgres.attach(tmp_path / "log")
    assert time.monotonic() - started < 8
    with psycopg.connect(postgres.conninfo()) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (1,)


def test_a_stale_pid_file_that_names_another_process_does_not_stop_it(postgres, tmp_path):
    postgres.attach(tmp_path / "log")
    postgres.stop()
    (postgres.data / "postmaster.pid").write_text(f"{os.getpid()}\n{postgres.data}\n1\n5432\n")
    postgres.attach(tmp_path / "log")
    assert postgres.is_ready()


def test_another_cluster_behind_the_socket_is_not_taken_for_ours(postgres, tmp_path):
    postgres.attach(tmp_path / "log")
    other = Postgres(tmp_path / "other", durable=False)
    other.sockets, other.password = postgres.sockets, postgres.password
    with pytest.raises(EmbeddedError, match="Another PostgreSQL answers"):
        other.is_ready()


def test_an_interrupted_first_start_begins_again(tmp_path):
    server = Postgres(tmp_path / "postgres", durable=False)
    (server.home / "data.draft").mkdir()
    server.attach(tmp_path / "log")
    try:
        assert server.is_ready()
    finally:
        server.stop()


def test_data_of_another_major_version_is_kept_and_named(tmp_path):
    server = Postgres(tmp_path / "postgres", durable=True)
    server.data.mkdir()
    (server.data / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedError, match="not made by PostgreSQL 18"):
        server.prepare()
    assert server.data.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become someone else")
def test_without_namespaces_it_runs_as_nobody_even_from_a_place_nobody_can_enter(tmp_path, monkeypatch):
    monkeypatch.setattr(demotion, "NAMESPACE", ["false"])
    monkeypatch.setattr("embedded.postgres.demotion", demotion.demotion.__wrapped__)
    # tmp_path is root's own (0700), like a clone under /root: the binaries must be copied out of it.
    package = embedded.postgres._binaries().parent.parent
    for part in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(part, tmp_path / part.name, symlinks=True)
    monkeypatch.setattr("embedded.postgres._binaries", lambda: tmp_path / package.name / "pginstall" / "bin")
    server = Postgres(tmp_path / "postgres", durable=False)
    try:
        assert server.how.user == demotion.NOBODY and server.binaries.is_relative_to(server.home)
        server.attach(tmp_path / "log")
        assert Path(f"/proc/{server_pid(server)}").stat().st_uid == demotion.NOBODY
    finally:
        server.stop()
        shutil.rmtree(server.home)


def test_a_long_path_gets_a_short_private_socket_directory(tmp_path):
    home = tmp_path / ("long" * 25)
    short = files.socket_directory(home)
    try:
        assert len(str(short)) < 60 and stat.S_IMODE(short.stat().st_mode) == 0o700
        assert files.socket_directory(home) == short
    finally:
        short.rmdir()


def test_a_directory_of_someone_else_is_refused(tmp_path):
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(EmbeddedError, match="belongs to someone else"):
        files.private_directory(tmp_path / "link")


def test_generated_secrets_are_kept_and_private(tmp_path):
    first = files.secret_file(tmp_path / "secret")
    assert files.secret_file(tmp_path / "secret") == first and len(first) >= 43
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_valkey_listens_on_its_socket_only_and_keeps_what_it_acknowledged(tmp_path):
    valkey = Valkey(tmp_path / "valkey")
    answers = [_talk(valkey, b"SET kept yes\r\n"), _talk(valkey, b"GET kept\r\n")]
    assert answers == [b"+OK\r\n", b"$3\r\nyes\r\n"]


def _talk(valkey: Valkey, command: bytes) -> bytes:
    """Start Valkey, send one command, kill it without warning."""
    valkey.prepare()
    server = process.spawn(valkey.launch(), output=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while not valkey.is_ready():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert stat.S_IMODE(valkey.socket.stat().st_mode) == 0o700
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(valkey.socket))
            connection.sendall(command)
            return connection.recv(100)
    finally:
        server.kill()
        server.wait()
