"""What is wrong with an address of a client: one to come back to, an origin, one we call, one people follow."""

from __future__ import annotations

from urllib.parse import urlsplit

from core import outbound
from oauth.models import ApplicationType

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
LONGEST_ADDRESS = 1000  # characters


def redirect_fault(uri: str, kind: str, mode: str) -> str:
    """Return what is wrong with a redirect URI, or an empty string (RFC 6749 §3.1.2, RFC 8252 §7)."""
    if (
        len(uri) > LONGEST_ADDRESS
        or not uri.isascii()
        or any(character in uri for character in '\\*<>"`{}|^')
    ):
        return "Use at most 1000 ASCII characters, no wildcard, no backslash."
    try:
        parts = urlsplit(uri)
        parts.port  # noqa: B018 — reading it is the check
    except ValueError:
        return "This is not a URI."
    if "#" in uri or "@" in parts.netloc:
        return "A redirect URI has no fragment and no user name."
    if parts.scheme == "https":
        return "" if parts.hostname else "The host is missing."
    if parts.scheme == "http":
        return _plain_fault(parts.hostname or "", kind, mode)
    private = "." in parts.scheme and kind == ApplicationType.NATIVE and not parts.netloc
    return (
        "" if private else "Use https, or for native applications a scheme such as com.example.app:/callback."
    )


def _plain_fault(host: str, kind: str, mode: str) -> str:
    if host not in LOOPBACK:
        return "Plain http is only for loopback addresses."
    if mode == "live" and kind != ApplicationType.NATIVE:
        return "A live tenant takes https only; http to loopback is for test tenants and native applications."
    return ""


def origin_fault(origin: str, mode: str) -> str:
    """Return what is wrong with a browser origin (RFC 6454 §6.1), or an empty string."""
    try:
        parts = urlsplit(origin)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "This is not an origin."
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    default = {"https": ":443", "http": ":80"}.get(parts.scheme)
    if not host or origin != f"{parts.scheme}://{shown}{port}" or port == default or not origin.isascii():
        return "An origin is scheme, host and port, in lower case, nothing after them."
    if parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK and mode == "test"):
        return ""
    return "Use https; plain http is for loopback addresses of test tenants."


def fetched_fault(uri: str) -> str:
    """Return what is wrong with an address that we shall call ourselves, or an empty string (threat W1)."""
    try:
        outbound.validate_url(uri)
    except outbound.OutboundRefused:
        return "Use a public https address."
    return "" if len(uri) <= LONGEST_ADDRESS else "Use at most 1000 characters."


def shown_fault(uri: str, mode: str) -> str:
    """Return what is wrong with an address that people may follow, or an empty string."""
    fault = redirect_fault(uri, ApplicationType.WEB, mode)
    return "Use an https address." if fault else ""
