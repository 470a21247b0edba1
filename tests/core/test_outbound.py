"""The way out: no caller-given URL reaches a private address (threats W1, W3; webhook delivery rule 11)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from django.test import override_settings

from core import outbound
from core.outbound import OutboundError, OutboundFailed, OutboundRefused, is_public, resolver
from tests.core.outbound_servers import Server, running

PUBLIC = "93.184.215.14"
TENANT_A, TENANT_B, STRANGER = "hooks.alice.example", "hooks.bob.example", "stranger.example"


@pytest.fixture
def canary() -> Iterator[Server]:
    with running() as server:
        yield server


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Any]]:
    """Host name to the successive answers of the resolver; other names resolve as always."""
    table: dict[str, list[Any]] = {}
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name not in table:
            return real(host, port, *args, **kwargs)
        found = table[name].pop(0) if len(table[name]) > 1 else table[name][0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return table


def call_both(url: str) -> list[OutboundError]:
    """Call by both doors; returns the two refusals."""
    errors: list[OutboundError] = []
    with pytest.raises(OutboundError) as sync:
        outbound.request("GET", url)
    with pytest.raises(OutboundError) as by_async:
        asyncio.run(outbound.request_async("GET", url))
    errors += [sync.value, by_async.value]
    return errors


SPELLINGS = [
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0X7F.1", "0177.0.0.1",
    "017700000001", "127.000.000.001", "localhost", "localhost.", "LOCALHOST", "a.localhost", "0", "0.0.0.0",
    "127.0.0.1.", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]",
    "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[fe80::1]",
    "[fe80::1%25lo]", "[fc00::1]", "[ff02::1]", "１２７.0.0.1", "127。0。0。1", "①②⑦.0.0.1",
    "%31%32%37.0.0.1",
    "127.0.0.1%00.example", "ip6-localhost", "10.0.0.1", "169.254.169.254", "100.100.100.200",
]  # fmt: skip


@pytest.mark.parametrize("host", SPELLINGS)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_W1_no_spelling_of_loopback_reaches_the_canary(canary: Server, scheme: str, host: str) -> None:
    for error in call_both(f"{scheme}://{host}:{canary.port}/"):
        assert isinstance(error, OutboundRefused)
    assert canary.hits == 0


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://",
        "https:///path",
        "//hooks.alice.example/",
        "hooks.alice.example",
        "ftp://hooks.alice.example/",
        "file:///etc/passwd",
        "gopher://hooks.alice.example/",
        "http://hooks.alice.example/",
        "unix:///run/x",
        "https://user@hooks.alice.example/",
        "https://user:pw@hooks.alice.example/",
        "https://:@127.0.0.1/",
        "https://hooks.alice.example:22/",
        "https://hooks.alice.example:80/",
        "https://hooks.alice.example:0/",
        "https://hooks.alice.example:99999/",
        "https://hooks.alice.example:x/",
        "https://hooks.alice.example\\@127.0.0.1/",
        "https://hooks.alice.example/a b",
        "https://hooks.alice.example/\r\nHost: x",
        "https://hooks.alice.example/\x00",
        "https://hooks.alice.example./",
        "https://hooks_alice.example/",
        "https://-a.example/",
        "https://single/",
        "https://" + "a" * 64 + ".example/",
        "https://" + "a." * 130 + "example/",
        "https://hooks.alice.example/" + "a" * 2048,
        "https://[::1",
        "https://1.2.3.4.5/",
        "https://example.0x7f/",
        " https://hooks.alice.example/",
        "https://hooks.alice.example/\u00a0",
        "https://xn--\u0080.example/",
    ],
)
def test_W1_malformed_and_unfit_urls_are_refused_before_any_lookup(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolver, "_lookup", lambda *_: pytest.fail("resolved"))
    with pytest.raises(OutboundRefused):
        outbound.validate_url(url)
    call_both(url)


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("https://hooks.alice.example", "https://hooks.alice.example"),
        ("HTTPS://Hooks.Alice.EXAMPLE:443/a?b=c#frag", "https://hooks.alice.example/a?b=c"),
        ("https://hooks.alice.example:8443/", "https://hooks.alice.example:8443/"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        (f"https://{PUBLIC}/", f"https://{PUBLIC}/"),
        ("https://[2606:2800:220:1::1]/", "https://[2606:2800:220:1::1]/"),
    ],
)
def test_fit_urls_are_normalised(url: str, normal: str) -> None:
    given = httpx.URL(outbound.validate_url(url))
    assert given == httpx.URL(normal)
    assert given.raw_host == httpx.URL(normal).raw_host


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.2",
        "168.63.129.16",
        "169.254.169.254",
        "172.31.0.1",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.19.0.1",
        "198.51.100.7",
        "203.0.113.7",
        "224.0.0.1",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:8.8.8.8",
        "::8.8.8.8",
        "64:ff9b::808:808",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:2::1",
        "2001:10::1",
        "2001:20::1",
        "2001:db8::1",
        "2002:808:808::1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "2606::1%eth0",
        "fec0::1",
        "ff0e::1",
        "",
        "8.8.8",
        "08.8.8.8",
        "x",
    ],
)
def test_W1_special_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", PUBLIC, "2606:4700::1111", "2a00:1450::1"])
def test_plain_addresses_are_public(address: str) -> None:
    assert is_public(address)


def test_W1_rebinding_name_passes_validation_and_is_refused_at_the_connection(
    canary: Server, answers: dict[str, list[Any]]
) -> None:
    url = f"https://{TENANT_A}:{canary.port}/"
    answers[TENANT_A] = [[PUBLIC], ["127.0.0.1"]]
    assert outbound.validate_url(url, lookup=True) == url
    for error in call_both(url):
        assert isinstance(error, OutboundRefused)
    assert canary.hits == 0


def test_W1_the_checked_address_is_the_called_one(
    monkeypatch: pytest.MonkeyPatch, answers: dict[str, list[Any]]
) -> None:
    """The name is looked up once per attempt; a second answer would be private."""
    answers[TENANT_A] = [[PUBLIC], ["127.0.0.1"]]
    called: list[str] = []

    def create_connection(address: tuple[str, int], *_: Any, **__: Any) -> socket.socket:
        called.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", create_connection)
    with pytest.raises(OutboundFailed):
        outbound.request("GET", f"https://{TENANT_A}/")
    with pytest.raises(OutboundRefused):
        outbound.request("GET", f"https://{TENANT_A}/")
    assert called == [PUBLIC]


@pytest.mark.parametrize("found", [["127.0.0.1"], [PUBLIC, "127.0.0.1"], ["::1"], ["64:ff9b::7f00:1"], []])
def test_W1_name_with_any_private_address_is_refused_whole(
    canary: Server, answers: dict[str, list[Any]], found: list[str]
) -> None:
    for name in (TENANT_A, TENANT_B, STRANGER):
        answers[name] = [found]
        call_both(f"https://{name}:{canary.port}/")
    assert canary.hits == 0


def test_W1_redirect_to_loopback_is_an_answer_and_not_followed(canary: Server) -> None:
    moved = f"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:{canary.port}/\r\ncontent-length: 0\r\n\r\n"
    with running(moved.encode()) as server, override_settings(OUTBOUND_ALLOW=[f"127.0.0.1:{server.port}"]):
        assert outbound.request("GET", f"http://127.0.0.1:{server.port}/").status == 302
    assert canary.hits == 0


def test_W1_client_for_libraries_keeps_the_rules(canary: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{canary.port}")
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{canary.port}")
    with outbound.client() as http:
        for url in (
            f"https://127.0.0.1:{canary.port}/",
            f"http://localhost:{canary.port}/",
            "https://10.0.0.1/",
        ):
            with pytest.raises(OutboundRefused):
                http.get(url, follow_redirects=True)
    assert canary.hits == 0
    with pytest.raises(TypeError):
        outbound.client(proxy="http://127.0.0.1:1")


@pytest.mark.parametrize(
    "entry",
    ["127.0.0.1", "127.0.0.1:1", "localhost:{port}", "*:{port}", "127.0.0.1:{port}0", "127.0.0.0/8:{port}"],
)
def test_W1_allow_list_is_exact(canary: Server, entry: str) -> None:
    with override_settings(OUTBOUND_ALLOW=[entry.format(port=canary.port)]):
        call_both(f"http://127.0.0.1:{canary.port}/")
    assert canary.hits == 0


def test_W3_every_blocked_target_gets_the_same_answer(answers: dict[str, list[Any]], canary: Server) -> None:
    """Open port, closed port, private name, missing name, silent public address: one code, one sentence."""
    answers["internal.alice.example"] = [["10.0.0.1"]]
    urls = (
        f"https://127.0.0.1:{canary.port}/", "https://127.0.0.1:9/", "https://internal.alice.example/",
        "https://does-not-exist.invalid/", "http://169.254.169.254/latest/meta-data/", "https://u:p@bob.example/",
    )  # fmt: skip
    seen = {(e.code, e.status, e.title, e.detail, str(e)) for url in urls for e in call_both(url)}
    failed = OutboundFailed("connect")
    seen.add((failed.code, failed.status, failed.title, failed.detail, str(failed)))
    assert len(seen) == 1
