"""The only way out of this product (threats W1, W3; delivery rules of webhooks and discovery fetches).

Every URL that somebody else chose is called through `request`, `request_async` or a client made here. Https
only, to plainly public addresses only, checked at validation and again at each connection. The operator's
exact `host:port` list `settings.OUTBOUND_ALLOW` is the one exception, and no tenant can add to it.
"""

from .addresses import is_public
from .client import Answer, async_client, client, request, request_async
from .errors import OutboundError, OutboundFailed, OutboundRefused
from .transport import AsyncPinnedTransport, Limits, PinnedTransport
from .urls import validate_url

__all__ = [
    "Answer",
    "AsyncPinnedTransport",
    "Limits",
    "OutboundError",
    "OutboundFailed",
    "OutboundRefused",
    "PinnedTransport",
    "async_client",
    "client",
    "is_public",
    "request",
    "request_async",
    "validate_url",
]
