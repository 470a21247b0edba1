"""The shared client: no reply of one caller reaches another (threat A8)."""

from __future__ import annotations

import os
import socket
import threading
import time
from typing import Any

import pytest
from django.test import override_settings

from core import valkey


class Interrupted(BaseException):
    """Stands for what a signal or a soft time limit raises between two lines."""


def test_client_is_shared_and_answers() -> None:
    assert valkey.client() is valkey.client()
    assert valkey.client().ping()


def test_A8_interrupted_caller_leaves_no_reply_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    client = valkey.client()
    client.set("alice", "for alice", ex=60)
    client.set("bob", "for bob", ex=60)
    for _ in range(20):
        with monkeypatch.context() as patch:
            patch.setattr(client, "parse_response", _interrupt)
            with pytest.raises(Interrupted):
                client.get("alice")
        assert client.get("bob") == b"for bob"


def _interrupt(*_: Any, **__: Any) -> None:
    raise Interrupted


def test_A8_interrupted_pipeline_leaves_no_reply_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    client = valkey.client()
    client.set("bob", "for bob", ex=60)
    pipeline = client.pipeline(transaction=False)
    pipeline.get("alice")
    pipeline.get("alice")
    monkeypatch.setattr(pipeline, "parse_response", _interrupt)
    with pytest.raises(Interrupted):
        pipeline.execute()
    assert client.get("bob") == b"for bob"


def test_A8_late_reply_is_not_given_to_the_next_caller() -> None:
    """A server that answers after the budget: the next caller gets its own connection."""
    accepted: list[socket.socket] = []

    def late(listener: socket.socket) -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            accepted.append(peer)
            threading.Thread(target=_answer_late, args=(peer,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=late, args=(listener,), daemon=True)
        server.start()
        with override_settings(REDIS_URL=f"redis://127.0.0.1:{listener.getsockname()[1]}/0"):
            client = valkey.client()
            for _ in range(3):
                with pytest.raises(valkey.ValkeyError):
                    client.get("alice")
        listener.shutdown(socket.SHUT_RDWR)
        server.join(5)
        client.close()
    assert len(accepted) == 3


def _answer_late(peer: socket.socket) -> None:
    try:
        with peer:
            while peer.recv(4096):
                time.sleep(0.12)
                peer.sendall(b"+OK\r\n")
    except OSError:
        return


@override_settings(REDIS_URL="unix:///nonexistent/valkey.sock?db=0")
def test_R6_absent_server_is_an_error_at_once() -> None:
    started = time.monotonic()
    with pytest.raises(valkey.ValkeyError):
        valkey.client().ping()
    assert time.monotonic() - started < 0.5


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_child_of_a_fork_has_its_own_connections() -> None:
    client = valkey.client()
    client.set("parent", "p", ex=60)
    child = os.fork()
    if child == 0:
        os._exit(0 if client.get("parent") == b"p" else 1)
    assert all(client.get("parent") == b"p" for _ in range(50))
    assert os.waitpid(child, 0)[1] == 0
