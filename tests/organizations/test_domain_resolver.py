"""What the domain name system says, asked over the wire of a server on this machine (ORG-04)."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
import pytest
from django.test import override_settings

from organizations import resolver
from organizations.resolver import DnsResolver, LookupFailed, LookupTimedOut, ToldResolver

RECORDS = {
    "one.example.": ['"v=spf1 -all"', '"claviger-domain-verification=abc"'],
    "long.example.": ['"claviger-domain-" "verification=abc"'],
    "bytes.example.": ['"\\255\\000 x"'],
}


def answer(asked: dns.message.Message) -> bytes | None:
    name = asked.question[0].name.to_text()
    reply = dns.message.make_response(asked)
    reply.flags |= dns.flags.RA
    if name.startswith("silent."):
        return None
    if name.startswith("garbage."):
        return reply.to_wire()[:2] + b"\xff" * 40
    if name.startswith("failing."):
        reply.set_rcode(dns.rcode.SERVFAIL)
    elif name in RECORDS:
        reply.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", *RECORDS[name]))
    elif not name.startswith("empty."):
        reply.set_rcode(dns.rcode.NXDOMAIN)
    return reply.to_wire()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))

        def serve() -> None:
            while (received := server.recvfrom(4096))[0]:
                wire = answer(dns.message.from_wire(received[0]))
                if wire is not None:
                    server.sendto(wire, received[1])

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stop:
            stop.sendto(b"", server.getsockname())
        thread.join()


@pytest.fixture(autouse=True)
def _asks_here(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    class Here(dns.resolver.Resolver):
        def __init__(self) -> None:
            super().__init__(configure=False)
            self.nameservers, self.port = ["127.0.0.1"], port

    monkeypatch.setattr(dns.resolver, "Resolver", Here)
    monkeypatch.setattr(resolver, "LIFETIME", 0.2)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("one.example", ["v=spf1 -all", "claviger-domain-verification=abc"]),
        ("long.example", ["claviger-domain-verification=abc"]),
        ("bytes.example", ["\ufffd\0 x"]),
        ("empty.example", []),
        ("nowhere.example", []),
        ("silent.example", LookupTimedOut),
        ("failing.example", (LookupFailed, LookupTimedOut)),
        ("garbage.example", (LookupFailed, LookupTimedOut)),
        ("a" * 64 + ".example", LookupFailed),
    ],
)
def test_ORG04_every_answer_is_records_none_or_a_refusal_of_ours(name: str, said: Any) -> None:
    if isinstance(said, list):
        assert sorted(DnsResolver().texts(name)) == sorted(said)
        return
    with pytest.raises(said):
        DnsResolver().texts(name)


def test_S1_answers_of_a_file_are_for_development_and_prove_nothing_in_production(tmp_path: Path) -> None:
    path = tmp_path / "answers.json"
    with override_settings(DOMAIN_ANSWERS_FILE=path):
        assert ToldResolver().texts("long.example") == ["claviger-domain-verification=abc"]
        path.write_text(json.dumps({"long.example": ["told"], "none.example": []}))
        assert ToldResolver().texts("long.example") == ["told"]
        assert ToldResolver().texts("none.example") == []
        with override_settings(PRODUCTION=True), pytest.raises(RuntimeError):
            ToldResolver().texts("long.example")
