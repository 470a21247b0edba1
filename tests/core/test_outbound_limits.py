"""The way out: what an allowed receiver can do to us in time, size and form (events.md rule 2; threat W1)."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.test import override_settings

from core import outbound
from core.outbound import Answer, Limits, OutboundFailed, PinnedTransport, resolver
from tests.core.outbound_servers import Server, running, self_signed

Door = Callable[..., Answer]


def by_async(*args: Any, **kwargs: Any) -> Answer:
    return asyncio.run(outbound.request_async(*args, **kwargs))


@pytest.fixture(params=[outbound.request, by_async], ids=["sync", "async"])
def door(request: pytest.FixtureRequest) -> Door:
    return request.param  # type: ignore[no-any-return]


def allowed(server: Server, host: str = "127.0.0.1") -> Any:
    return override_settings(OUTBOUND_ALLOW=[f"{host}:{server.port}"])


def call(door: Door, server: Server, **kwargs: Any) -> Answer:
    with allowed(server):
        return door("POST", f"http://127.0.0.1:{server.port}/hook", **kwargs)


def test_allow_listed_receiver_gets_the_request(door: Door) -> None:
    with running() as server:
        answer = call(door, server, content=b"{}", headers={"webhook-id": "evt_1"})
    assert (answer.status, answer.body, answer.truncated) == (200, b"ok", False)
    sent = server.requests[0].lower()
    assert b"host: 127.0.0.1:%d" % server.port in sent
    assert b"accept-encoding: identity" in sent
    assert b"connection: close" in sent
    assert b"webhook-id: evt_1" in sent


def test_callers_cannot_choose_host_or_encoding(door: Door) -> None:
    with running() as server:
        call(
            door, server, headers={"Host": "internal", "Accept-Encoding": "gzip", "Connection": "keep-alive"}
        )
    assert b"internal" not in server.requests[0]
    assert b"gzip" not in server.requests[0]
    assert server.requests[0].lower().count(b"host:") == 1


def test_header_injection_is_refused(door: Door) -> None:
    with running() as server, pytest.raises(OutboundFailed):
        call(door, server, headers={"x": "a\r\nhost: internal"})
    assert not server.requests or b"internal" not in server.requests[0]


def test_connections_are_not_reused() -> None:
    with running() as server, allowed(server), outbound.client() as http:
        for _ in range(3):
            assert http.get(f"http://127.0.0.1:{server.port}/").status_code == 200
    assert server.hits == 3


def test_json_answer_is_read_and_rubbish_refused(door: Door) -> None:
    with running(b'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"a": 1}\n') as server:
        assert call(door, server).json() == {"a": 1}
    with (
        running(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n[[[[[") as server,
        pytest.raises(OutboundFailed),
    ):
        call(door, server).json()


def endless(peer: socket.socket) -> None:
    peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        peer.sendall(b"x" * 65536)


def test_endless_answer_is_refused_early(door: Door) -> None:
    with running(endless) as server, pytest.raises(OutboundFailed) as caught:
        call(door, server, limits=Limits(max_bytes=100_000))
    assert caught.value.reason == "too_large"


def test_endless_answer_is_cut_where_the_start_is_enough(door: Door) -> None:
    with running(endless) as server:
        answer = call(door, server, limits=Limits(max_bytes=4096, truncate=True))
    assert (len(answer.body), answer.truncated) == (4096, True)


def test_announced_size_over_the_cap_is_refused_unread(door: Door) -> None:
    announced = b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n"
    with running(announced) as server, pytest.raises(OutboundFailed) as caught:
        call(door, server)
    assert caught.value.reason == "too_large"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "identity, gzip"])
def test_compressed_answer_is_never_expanded(door: Door, encoding: str) -> None:
    bomb = gzip.compress(b"0" * 5_000_000)
    head = f"HTTP/1.1 200 OK\r\ncontent-encoding: {encoding}\r\ncontent-length: {len(bomb)}\r\n\r\n"
    with running(head.encode() + bomb) as server, pytest.raises(OutboundFailed) as caught:
        call(door, server)
    assert caught.value.reason == "encoding"


def drip_body(peer: socket.socket) -> None:
    peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        peer.sendall(b"x")
        time.sleep(0.05)


def drip_headers(peer: socket.socket) -> None:
    peer.sendall(b"HTTP/1.1 200 OK\r\nx: ")
    while True:
        peer.sendall(b"x")
        time.sleep(0.05)


def drip_continues(peer: socket.socket) -> None:
    while True:
        peer.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        time.sleep(0.05)


def silent(peer: socket.socket) -> None:
    peer.recv(1)


@pytest.mark.parametrize("reply", [drip_body, drip_headers, drip_continues, silent])
def test_slow_receiver_is_dropped_at_the_total_limit(door: Door, reply: Any) -> None:
    started = time.monotonic()
    with running(reply) as server, pytest.raises(OutboundFailed) as caught:
        call(door, server, limits=Limits(total=0.4))
    assert caught.value.reason == "timeout"
    assert time.monotonic() - started < 3


def test_slow_name_server_is_bounded(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver, "_addresses", lambda *_: time.sleep(1))
    started = time.monotonic()
    with pytest.raises(outbound.OutboundRefused):
        door("GET", "https://hooks.alice.example/", limits=Limits(connect=0.1))
    assert time.monotonic() - started < 0.9


@pytest.mark.parametrize(
    "reply",
    [b"", b"rubbish\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx", b"SSH-2.0-OpenSSH\r\n"],
)
def test_receiver_that_speaks_no_http_is_a_failure(door: Door, reply: bytes) -> None:
    with running(reply) as server, pytest.raises(OutboundFailed):
        call(door, server)


def test_closed_port_is_a_failure(door: Door) -> None:
    with running() as server:
        pass
    with pytest.raises(OutboundFailed) as caught:
        call(door, server)
    assert caught.value.reason == "connect"


NAME = "hooks.alice.example"


@pytest.fixture
def pinned_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver, "_addresses", lambda host, _port: ["127.0.0.1"] if host == NAME else [])


@pytest.mark.usefixtures("pinned_name")
def test_tls_uses_the_name_though_the_socket_goes_to_the_address(tmp_path: Path) -> None:
    certificate = self_signed(NAME, tmp_path)
    transport = PinnedTransport(ssl_context=ssl.create_default_context(cafile=certificate))
    with transport, running(certificate=certificate) as server, allowed(server, NAME):
        url = f"https://{NAME}:{server.port}/"
        assert transport.handle_request(httpx.Request("GET", url)).read() == b"ok"
    assert server.server_names == [NAME]
    assert f"host: {NAME}:{server.port}".encode() in server.requests[0].lower()


@pytest.mark.usefixtures("pinned_name")
def test_untrusted_certificate_is_a_failure(door: Door, tmp_path: Path) -> None:
    certificate = self_signed(NAME, tmp_path)
    raises = pytest.raises(OutboundFailed)
    with running(certificate=certificate) as server, allowed(server, NAME), raises as caught:
        door("GET", f"https://{NAME}:{server.port}/")
    assert caught.value.reason == "tls"
    assert not server.requests
