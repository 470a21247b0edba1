"""Calls to addresses that somebody else chose: webhooks, upstream providers, client metadata, DIDs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from .errors import OutboundFailed, OutboundRefused
from .transport import DEFAULT_LIMITS, AsyncPinnedTransport, Limits, PinnedTransport
from .urls import validate_url


@dataclass(frozen=True)
class Answer:
    """What came back. `truncated` says that the body was longer than the bytes kept."""

    status: int
    headers: httpx.Headers
    body: bytes = field(repr=False)
    truncated: bool = False

    def json(self) -> Any:
        """The body as JSON. Raises OutboundFailed when it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise OutboundFailed("protocol") from None


def client(limits: Limits = DEFAULT_LIMITS, **options: Any) -> httpx.Client:
    """An httpx client on the pinned transport, for libraries that want one; `options` are httpx's own."""
    options = _only_ours(options)
    return httpx.Client(transport=PinnedTransport(limits), trust_env=False, timeout=limits.total, **options)


def async_client(limits: Limits = DEFAULT_LIMITS, **options: Any) -> httpx.AsyncClient:
    """As `client`, for asyncio. One client may serve a whole batch; connections are never reused."""
    options = _only_ours(options)
    return httpx.AsyncClient(
        transport=AsyncPinnedTransport(limits), trust_env=False, timeout=limits.total, **options
    )


def request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Answer:
    """Call `url` once; a 3xx is an answer. Raises OutboundRefused (not tried) or OutboundFailed."""
    with client(limits) as http:
        built = _build(http, method, url, headers, content)
        response = http.send(built)
        return _answer(response)


async def request_async(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Answer:
    """As `request`, on asyncio."""
    async with async_client(limits) as http:
        built = _build(http, method, url, headers, content)
        response = await http.send(built)
        return _answer(response)


def _only_ours(options: dict[str, Any]) -> dict[str, Any]:
    """Options that would lead around the pinned transport are a programming error."""
    for name in (
        "transport",
        "mounts",
        "proxy",
        "follow_redirects",
        "trust_env",
        "timeout",
        "verify",
        "cert",
    ):
        if name in options:
            raise TypeError(f"{name} is decided by core.outbound")
    return options


def _build(
    http: httpx.Client | httpx.AsyncClient,
    method: str,
    url: str,
    headers: Mapping[str, str] | None,
    content: bytes | None,
) -> httpx.Request:
    try:
        return http.build_request(method, validate_url(url), headers=headers, content=content)
    except (TypeError, UnicodeError):
        raise OutboundRefused("malformed headers") from None


def _answer(response: httpx.Response) -> Answer:
    cap = response.extensions["cap"]
    return Answer(response.status_code, response.headers, response.content, cap.truncated)
