"""A refused request whose body nobody read leaves a connection that can be used again (threat P2)."""

from __future__ import annotations

import io
from typing import Any

import pytest

from core.leftovers import MOST, Drained


class Counting(io.BytesIO):
    def __init__(self, size: int) -> None:
        super().__init__(b"x" * size)
        self.taken = 0

    def read(self, size: int | None = -1) -> bytes:
        piece = super().read(size)
        self.taken += len(piece)
        return piece


def refuse(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("401 Unauthorized", [])
    return [b"no"]


@pytest.mark.parametrize(("size", "taken"), [(300_000, 300_000), (3 * MOST, MOST), (90, 0)])
def test_P2_a_body_is_read_away_up_to_a_limit(size: int, taken: int) -> None:
    stream = Counting(size)
    environ = {"CONTENT_LENGTH": str(size), "wsgi.input": stream}
    assert Drained(refuse)(environ, lambda status, headers: None) == [b"no"]
    assert stream.taken == taken


def test_a_request_without_a_body_is_not_read() -> None:
    assert Drained(refuse)({"CONTENT_LENGTH": ""}, lambda status, headers: None) == [b"no"]
