"""What a refused request still has to send is read away, so that its connection can be used again.

A refusal is often made before the body was read. The server then closes the connection while the client believes
that it may send its next request there, which fails for no reason of its own. What is much larger is cut off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

MOST = 1_048_576
PIECE = 65_536
DIGITS = 5  # of a length that the server has not read of itself

Environ = dict[str, Any]


class Drained:
    """The WSGI application that leaves no short body unread."""

    def __init__(self, application: Callable[[Environ, Any], Iterable[bytes]]) -> None:
        self.application = application

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        answer = self.application(environ, start_response)
        length = environ.get("CONTENT_LENGTH") or "0"
        if len(length) >= DIGITS or "HTTP_TRANSFER_ENCODING" in environ:
            drain(environ["wsgi.input"])
        return answer


def drain(stream: Any) -> None:
    """Read at most MOST bytes and forget them; a body that was read whole answers at once that it is over."""
    left = MOST
    while left > 0 and (piece := stream.read(min(PIECE, left))):
        left -= len(piece)
