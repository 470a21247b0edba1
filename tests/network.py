"""Shuts every door out of the test process but loopback and Unix sockets."""

from __future__ import annotations

import functools
import ipaddress
import socket
import ssl
from typing import Any


class NetworkForbidden(RuntimeError):
    """A test tried to leave the machine. Not an OSError, so that no code under test can swallow it as one."""


def shut() -> None:
    """Refuse connections to other machines, and look-ups of their names, from now on."""
    for method in ("connect", "connect_ex", "sendto"):
        _guard_method(method)
    _guard_lookup()


def read_trusted_certificates_once() -> None:
    """Keep what each new client of httpx reads: 70 ms of certificates that nothing on this machine shows."""
    ssl.create_default_context = functools.cache(ssl.create_default_context)


def _guard_method(name: str) -> None:
    original = getattr(socket.socket, name)

    def guarded(self: socket.socket, *arguments: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            try:
                _check(str(arguments[-1][0]))
            except NetworkForbidden:
                self.close()
                raise
        return original(self, *arguments)

    setattr(socket.socket, name, guarded)


def _guard_lookup() -> None:
    original = socket.getaddrinfo

    def guarded(host: Any, *arguments: Any, **options: Any) -> Any:
        if host is not None:
            _check(host.decode() if isinstance(host, bytes) else str(host), connecting=False)
        return original(host, *arguments, **options)

    socket.getaddrinfo = guarded


def _check(host: str, *, connecting: bool = True) -> None:
    if host in ("", "localhost") or host.endswith(".localhost"):
        return
    if host.endswith(".invalid"):  # RFC 6761 §6.4: such a name never exists, so no one need be asked
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        raise NetworkForbidden(f"tests may not look up {host}") from None
    if connecting and not address.is_loopback:
        raise NetworkForbidden(f"tests may not connect to {host}")
