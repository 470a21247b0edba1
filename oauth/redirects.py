"""Where a browser may be sent back to (RFC 6749 §3.1.2, RFC 9700 §2.1, RFC 8252 §7.3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlencode, urlsplit

from django.http import HttpResponse

from oauth.clients import Client
from oauth.models import ApplicationType

# localhost as well: RFC 8252 §8.3 advises against it, and the tools that speak MCP use it (decision 0007).
LOOPBACK = ("http://127.0.0.1", "http://[::1]", "http://localhost")


def is_registered(client: Client, uri: str) -> bool:
    """Whether the URI is one of the client's, as a string; only a native loopback port may vary (O1)."""
    if uri in client.redirect_uris:
        return True
    if client.type != ApplicationType.NATIVE:
        return _is_test_sign_in(client, uri)
    return _is_test_sign_in(client, uri) or _without_port(uri) in _loopbacks(client.redirect_uris)


def _is_test_sign_in(client: Client, uri: str) -> bool:
    """Whether the code would go to the dashboard's own page (see oauth.try_it)."""
    from oauth import try_it  # above this module

    return try_it.is_own_address(client, uri)


def _loopbacks(uris: Iterable[str]) -> set[str]:
    return {stripped for uri in uris if (stripped := _without_port(uri))}


def _without_port(uri: str) -> str:
    """Return a loopback URI without its port, and an empty string for any other."""
    for base in LOOPBACK:
        rest = uri.removeprefix(base)
        if rest == uri:
            continue
        if rest[:1] in ("/", "?", ""):
            return uri
        port, slash, path = rest[1:].partition("/")
        if (
            rest[0] == ":"
            and port.isascii()
            and port.isdigit()
            and 0 < int(port[:6]) < 65536
            and len(port) < 6
        ):
            return f"{base}{slash}{path}"
    return ""


def send(uri: str, parameters: Mapping[str, str], status: int = 302) -> HttpResponse:
    """Send the browser to a checked redirect URI, its own query kept (RFC 6749 §3.1.2)."""
    given = urlencode({name: value for name, value in parameters.items() if value})
    joint = "&" if "?" in uri else "?"
    location = f"{uri}{joint}{given}" if given else uri
    return HttpResponse(status=status, headers={"Location": location, "Cache-Control": "no-store"})


def form_target(uri: str) -> str:
    """Return what form-action must name, so that a form whose answer redirects there is not blocked."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"
