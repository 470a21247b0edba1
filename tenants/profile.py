"""A member's further standard claims (OpenID Connect Core §5.1), the tenant's own copy as one JSON object."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from core.errors import FieldError, ValidationFailed

NAMES = ("given_name", "family_name", "middle_name", "nickname", "preferred_username")
PAGES = ("profile", "picture", "website")
ADDRESS = ("formatted", "street_address", "locality", "region", "postal_code", "country")
_BIRTHDATE = re.compile(r"(\d{4})(-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01]))?\Z", re.ASCII)
_PHONE = re.compile(r"\+[1-9]\d{6,14}\Z", re.ASCII)  # E.164


def _text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 200 and value.isprintable()


def _page(value: Any) -> bool:
    if not isinstance(value, str) or len(value) > 500 or not value.isprintable() or " " in value:
        return False
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname)


def _address(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and bool(value)
        and value.keys() <= set(ADDRESS)
        and all(isinstance(part, str) and _is_lines(part) for part in value.values())
    )


def _is_lines(text: str) -> bool:
    """Addresses may have several lines (OIDC Core §5.1.1)."""
    return 0 < len(text) <= 500 and text.replace("\r\n", " ").replace("\n", " ").isprintable()


@cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


_rules: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    **dict.fromkeys((*NAMES, "gender"), (_text, "1 to 200 printable characters.")),
    **dict.fromkeys(PAGES, (_page, "An https address.")),
    "birthdate": (
        lambda value: isinstance(value, str) and bool(_BIRTHDATE.match(value)),
        "YYYY-MM-DD or YYYY.",
    ),
    "zoneinfo": (lambda value: isinstance(value, str) and value in _zones(), "Such as Europe/Zurich."),
    "phone_number": (
        lambda value: isinstance(value, str) and bool(_PHONE.match(value)),
        "E.164, such as +41445551234.",
    ),
    "phone_number_verified": (lambda value: isinstance(value, bool), "true or false."),
    "address": (_address, f"An object with any of {', '.join(ADDRESS)}."),
}
CLAIMS = tuple(_rules)


def merged(before: Mapping[str, Any], changes: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the profile after a merge patch: null takes a claim, or all, away (RFC 7396).

    A new phone number is not verified unless the same change says so. Raises ValidationFailed with every
    fault.
    """
    if changes is None:
        return {}
    faults = [
        FieldError(f"/profile/{name[:60]}", "invalid", fault)
        for name, value in changes.items()
        if (fault := _fault(name, value))
    ]
    if faults:
        raise ValidationFailed(errors=faults)
    after = {**before, **changes}
    if changes.get("phone_number", before.get("phone_number")) != before.get("phone_number"):
        after["phone_number_verified"] = changes.get("phone_number_verified", False)
    if after.get("phone_number") is None:
        after["phone_number_verified"] = None
    return {name: value for name, value in after.items() if value is not None}


def _fault(name: str, value: Any) -> str:
    if name not in _rules:
        return f"Not a claim that is kept here. Known: {', '.join(CLAIMS)}."
    fits, detail = _rules[name]
    return "" if value is None or fits(value) else detail
