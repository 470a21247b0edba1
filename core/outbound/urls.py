"""What a caller-given URL must look like before anything is resolved.

httpx parses the URL here and again on the way out, so that the host which is checked is the host which is
called. Names are ASCII after IDNA; every number spelling of an IPv4 address but the dotted quad is refused.
"""

from __future__ import annotations

import re
from ipaddress import ip_address

import httpx

from .addresses import is_allowed, is_public
from .errors import OutboundRefused
from .resolver import resolve

MAX_LENGTH = 2048
DEFAULT_PORTS = {"https": 443, "http": 80}
LOWEST_FREE_PORT, HIGHEST_PORT = 1024, 65535

_visible = re.compile(r"[^\x00-\x20\x7f-\xa0\\]+")
_label = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_name = re.compile(rf"(?:{_label}\.)+{_label}")
# WHATWG URL §3.5: a last label like this makes the whole host an IPv4 number to many parsers.
_number = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")


def validate_url(url: str, *, lookup: bool = False) -> str:
    """The normalised URL, without its fragment. Raises OutboundRefused when it may not be called.

    With `lookup` the name is resolved as well (blocking, bounded). Either way the connection checks again:
    a name may point elsewhere tomorrow.
    """
    if not isinstance(url, str) or not 0 < len(url) <= MAX_LENGTH or not _visible.fullmatch(url):
        raise OutboundRefused("malformed url")
    try:
        parsed = httpx.URL(url).copy_with(fragment=None)
    except httpx.InvalidURL:
        raise OutboundRefused("malformed url") from None
    check(parsed)
    if lookup:
        resolve(host_of(parsed), port_of(parsed))
    return str(parsed)


def check(url: httpx.URL) -> None:
    """The rules for one parsed URL. Raises OutboundRefused."""
    if url.scheme not in DEFAULT_PORTS or url.userinfo or not url.host:
        raise OutboundRefused("scheme, user information or host")
    host, port = host_of(url), port_of(url)
    if is_allowed(host, port):
        return
    if url.scheme != "https":
        raise OutboundRefused("not https")
    if port != DEFAULT_PORTS["https"] and not LOWEST_FREE_PORT <= port <= HIGHEST_PORT:
        raise OutboundRefused("port")
    _check_host(host)


def _check_host(host: str) -> None:
    if _is_address(host):
        if not is_public(host):
            raise OutboundRefused("address is not public")
    elif len(host) > 253 or not _name.fullmatch(host) or _number.fullmatch(host):
        raise OutboundRefused("host name")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def host_of(url: httpx.URL) -> str:
    """The host as it goes on the wire: lower case, A-labels, no brackets."""
    return url.raw_host.decode("ascii").lower().strip("[]")


def port_of(url: httpx.URL) -> int:
    return url.port if url.port is not None else DEFAULT_PORTS[url.scheme]
