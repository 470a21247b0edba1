"""What may go wrong when an event is recorded."""

from __future__ import annotations

from core.errors import Problem


class SecretInEvent(Problem):
    """A value that goes into the record has the form of a key, token or private key."""

    code, status, simple = "secret_in_value", 400, "invalid_request"
    title = "A value looks like a secret"
    fix = "Send no key, token or private key in names, metadata or other fields: what is recorded is kept."


class EventRefused(ValueError):
    """A programming error: the event does not fit its declaration."""
