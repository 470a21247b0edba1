"""One coarse answer for every target that cannot be used, so that answers map no network (threat W3)."""

from __future__ import annotations

from core.errors import Problem


class OutboundError(Problem):
    """The base. `reason` is for the operator's logs only; callers never see it."""

    code, status, simple = "address_unusable", 400, "invalid_request"
    title = "The address cannot be used"
    fix = "Give a public https:// address that answers within 15 seconds without redirecting."

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class OutboundRefused(OutboundError):
    """Not tried: the URL or an address behind its name is not allowed, or the name does not resolve."""


class OutboundFailed(OutboundError):
    """Tried without a usable answer: `connect`, `timeout`, `tls`, `protocol`, `encoding` or `too_large`."""
