"""The single parameters of an authorization request that oauthlib does not check."""

from __future__ import annotations

import re
from collections.abc import Mapping

from oauth.errors import InvalidRequest

PROMPTS = ("none", "login", "consent", "select_account", "create")
RESPONSE_MODES = ("query", "form_post")
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}\Z")  # RFC 7636 §4.2: base64url of a SHA-256
LIMITS = {
    "state": 2000, "nonce": 255, "login_hint": 254, "id_token_hint": 8000, "acr_values": 500, "ui_locales": 200,
    "organization": 60,
}  # fmt: skip


def check(values: Mapping[str, str]) -> None:
    """Raise InvalidRequest for what is too long or not offered."""
    for name, longest in LIMITS.items():
        if len(values.get(name, "")) > longest:
            raise InvalidRequest(f"{name} is longer than {longest} characters.")
    if "registration" in values:
        raise InvalidRequest("registration is not supported.")
    if values.get("response_mode", "query") not in RESPONSE_MODES:
        raise InvalidRequest(f"response_mode is one of {', '.join(RESPONSE_MODES)}.")
    if not CHALLENGE.match(values.get("code_challenge", "")):
        raise InvalidRequest("code_challenge must be the base64url of a SHA-256 (43 characters).")
    if "dpop_jkt" in values and not CHALLENGE.match(values["dpop_jkt"]):
        raise InvalidRequest("dpop_jkt must be the thumbprint of a key (43 characters).")


def response_mode(values: Mapping[str, str]) -> str:
    """Return how the answer goes back; an error about the mode itself goes by the default."""
    mode = values.get("response_mode", "query")
    return mode if mode in RESPONSE_MODES else "query"


def prompt(text: str) -> frozenset[str]:
    """OIDC Core §3.1.2.1: `none` stands alone. `create` is of OpenID Initiating User Registration."""
    words = frozenset(text.split())
    if not words <= set(PROMPTS) or ("none" in words and len(words) > 1):
        raise InvalidRequest("prompt holds an unknown word, or none beside another.")
    return words


def max_age(text: str | None, default: int | None = None) -> int | None:
    """Return seconds; without a value the client's registered one (OIDC Registration §2)."""
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise InvalidRequest("max_age must be a number of seconds.")
    return int(text)
