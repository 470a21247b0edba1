"""A load generator that costs little: keep-alive connections, prepared requests, no parsing of bodies."""

from __future__ import annotations

import http.client
import itertools
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlencode

T = TypeVar("T")
CONNECTIONS = 8  # as many as the server has threads


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    expected: int = 200


def form(path: str, fields: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Request:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    return Request("POST", path, {**kind, **(headers or {})}, urlencode(fields).encode())


def in_json(path: str, fields: Mapping[str, str]) -> Request:
    return Request("POST", path, {"Content-Type": "application/json"}, json.dumps(fields).encode())


class Unexpected(RuntimeError):
    """An answer with another status; its time would measure something else."""


class Connection:
    """One keep-alive connection."""

    def __init__(self, port: int) -> None:
        self.http = http.client.HTTPConnection("localhost", port, timeout=30)

    def send(self, request: Request) -> bytes:
        """Return the answer's body; raises Unexpected."""
        self.http.request(request.method, request.path, request.body, dict(request.headers))
        answer = self.http.getresponse()
        body = answer.read()
        if answer.status != request.expected:
            raise Unexpected(f"{request.method} {request.path}: {answer.status} {body[:300]!r}")
        return body


def drive(port: int, requests: Iterable[Request]) -> int:
    """Send all requests over a few connections at once; return how many. Raises Unexpected."""
    source = Shared(requests)
    failures: list[Exception] = []

    def work() -> None:
        connection = Connection(port)
        try:
            for request in source:
                connection.send(request)
        except (Unexpected, OSError) as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return source.taken


def repeat(request: Request, count: int) -> Iterator[Request]:
    return itertools.repeat(request, count)


class Shared(Iterator[Request]):
    """An iterator that several threads may draw from."""

    def __init__(self, requests: Iterable[Request]) -> None:
        self._next: Callable[[], Request] = iter(requests).__next__
        self._lock = threading.Lock()
        self.taken = 0

    def __next__(self) -> Request:
        with self._lock:
            request = self._next()
            self.taken += 1
            return request


def spread(parts: Sequence[T], count: int, work: Callable[[T, int], None]) -> int:
    """Let each part do its share of `count` at once; return how many that were. Raises what `work` raises."""
    share = max(1, count // len(parts))
    with ThreadPoolExecutor(len(parts)) as pool:
        for ended in [pool.submit(work, part, share) for part in parts]:
            ended.result()
    return share * len(parts)
