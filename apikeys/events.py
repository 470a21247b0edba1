"""The events of API keys and service accounts."""

from __future__ import annotations

from typing import Any

from events.registry import declare

Fields = dict[str, dict[str, Any] | str]
_TEXT = {"type": "string"}
_TIME = {"type": ["string", "null"], "format": "date-time"}
_WORDS = {"type": "array", "items": {"type": "string"}, "example": ["members:read"]}
_MAYBE = {"type": ["string", "null"]}
KEY: Fields = {
    "name": _TEXT,
    "hint": {"type": "string", "example": "sk_test_4fT9xQ2mLk0B"},
    "status": {"type": "string", "enum": ["active", "rotating", "expired", "revoked"]},
    "scopes": _WORDS,
    "audience": _TEXT,
    "service_account_id": _MAYBE,
    "expires_at": _TIME,
}
ACCOUNT: Fields = {
    "name": _TEXT,
    "status": {"type": "string", "enum": ["active", "disabled"]},
    "scopes": _WORDS,
}

PLAIN_HTTP = "plain_http"

declare("api_key.created", "An API key was created", object="api_key", fields=KEY)
declare(
    "api_key.rotated",
    "An API key was replaced by a new one with the same scopes",
    object="api_key",
    fields={**KEY, "rotated_to": _TEXT, "overlap_until": _TIME},
)
declare(
    "api_key.revoked",
    "An API key was revoked; its tokens stopped with it",
    object="api_key",
    fields={**KEY, "revoke_reason": _TEXT},
)
declare(
    "api_key.expiring",
    "An API key stops soon: seven days before it expires, or in the last quarter of a shorter life",
    object="api_key",
    fields=KEY,
)
declare(
    "api_key.used",
    "An API key was used (at most once a minute for each key)",
    object="api_key",
    fields={"hint": _TEXT},
    high_volume=True,
)
declare(
    "api_key.denied",
    "A genuine API key was refused (at most once a minute for each key and cause)",
    object="api_key",
    fields={"hint": _TEXT, "cause": {"type": "string", "example": "token_revoked"}},
)
declare(
    "api_key.leak_reported",
    "A genuine API key was seen where others could read it, such as on plain http; rotate it",
    object="api_key",
    fields={**KEY, "source": {"type": "string", "example": PLAIN_HTTP}},
    signal="https://schemas.openid.net/secevent/caep/event-type/credential-change",
)
declare("service_account.created", "A service account was created", object="service_account", fields=ACCOUNT)
declare("service_account.updated", "A service account was changed", object="service_account", fields=ACCOUNT)
declare(
    "service_account.disabled",
    "A service account was disabled; its keys stopped with it",
    object="service_account",
    fields=ACCOUNT,
)
declare(
    "service_account.deleted",
    "A service account was deleted and its keys revoked",
    object="service_account",
    fields=ACCOUNT,
)
