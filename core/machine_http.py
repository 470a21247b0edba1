"""Django's request and response for programs: the same objects, whose parts are made when somebody asks.

A cheap call costs less than what Django prepares for it: headers copied into a mapping, streams, checks of
header values. Views see no difference.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from django.core.handlers.wsgi import LimitedStream, WSGIRequest
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpResponse, QueryDict
from django.http.request import HttpHeaders
from django.http.response import ResponseHeaders
from django.utils.functional import cached_property

JSON = "application/json"
BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})
UNPREFIXED = frozenset({"CONTENT_TYPE", "CONTENT_LENGTH"})
_NOTHING: Any = LimitedStream(io.BytesIO(), 0)
encode = DjangoJSONEncoder(separators=(",", ":")).encode


class MachineRequest(WSGIRequest):
    """A request without a body is little more than its environment; one with a body is Django's own."""

    def __init__(self, environ: dict[str, Any]) -> None:
        path = environ["PATH_INFO"]
        if environ["REQUEST_METHOD"] not in BODILESS or not path.isascii():
            super().__init__(environ)
            return
        self.environ = self.META = environ
        environ["SCRIPT_NAME"] = ""
        self.path_info = self.path = path or "/"
        self.method = environ["REQUEST_METHOD"]
        self.content_type, self.content_params = environ.get("CONTENT_TYPE", ""), {}
        self._stream, self._read_started = _NOTHING, False
        self.resolver_match = None

    @cached_property
    def headers(self) -> HttpHeaders:
        return LazyHeaders(self.META)

    @property
    def query_params(self) -> QueryDict:
        """The name that REST framework's request has for it."""
        return self.GET

    @property
    def _request(self) -> MachineRequest:
        """As REST framework's request, which wraps this one: what takes either finds this one."""
        return self


class LazyHeaders(HttpHeaders):
    """Reads one header from the environment; all are copied only for whoever lists them."""

    def __init__(self, environ: Mapping[str, Any]) -> None:
        self._environ = environ

    def __getitem__(self, name: str) -> str:
        value: str = self._environ[environ_name(name)]
        return value

    def get(self, name: str, default: Any = None) -> Any:
        return self._environ.get(environ_name(name), default)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and environ_name(name) in self._environ

    @cached_property
    def _store(self) -> dict[str, tuple[str, str]]:  # type: ignore[override]
        return HttpHeaders(self._environ)._store


@lru_cache(maxsize=512)
def environ_name(header: str) -> str:
    """Return under which name a WSGI environment holds a header (PEP 3333)."""
    name = header.upper().replace("-", "_")
    return name if name in UNPREFIXED else f"HTTP_{name}"


class MachineResponse(HttpResponse):
    """A body in bytes with headers that this code wrote: nothing of it needs converting or checking."""

    def __init__(
        self, body: bytes, kind: str = JSON, *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        self.headers = ResponseHeaders({})
        store = self.headers._store
        store["content-type"] = ("Content-Type", kind)
        for name, value in (headers or {}).items():
            store[name.lower()] = (name, value)
        self._charset: str | None = None
        self._reason_phrase: str | None = None
        self._resource_closers: list[Any] = []
        self._handler_class = None
        self.cookies = NO_COOKIES
        self.closed = False
        self.status_code = status
        self._container = [body]

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._container)


class _NoCookies(dict[str, Any]):
    """A program's answer sets no cookie."""

    def __setitem__(self, name: str, value: Any) -> None:
        raise TypeError("an answer to a program sets no cookie")


NO_COOKIES: Any = _NoCookies()


def put_header(response: HttpResponse, name: str, value: str) -> None:
    """Write a header of our own making. Django looks for line breaks in each value, which none of ours can hold."""
    response.headers._store[name.lower()] = (name, value)


def json_response(
    body: Any, *, status: int = 200, kind: str = JSON, headers: Mapping[str, str] | None = None
) -> MachineResponse:
    return MachineResponse(encode(body).encode(), kind, status=status, headers=headers)
