"""Structured logs: one line an event, joined by request id, secrets redacted.

Development prints for people, production prints JSON. Control characters in values are escaped by
the renderers, so that a header cannot forge a line (threat U2).
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import structlog

from core import context
from core.redaction import REDACTED, is_secret_name, redacted


def add_request(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    known = context.running()
    if known is not None:
        event.setdefault("request_id", known.request_id)
    return event


def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Blank values whose name or shape says secret."""
    for name, value in list(event.items()):
        if is_secret_name(name) and name != "event":
            event[name] = REDACTED
        elif isinstance(value, str):
            event[name] = redacted(value)
    return event


def configuration(environment: str) -> dict[str, Any]:
    """Return Django's LOGGING and configure structlog on the same processors."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_request,
    ]
    closing = [structlog.processors.format_exc_info, redact]
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if environment == "production"
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": shared,
        "processors": [remove, *closing, renderer],
    }
    level = "WARNING" if environment == "test" else "INFO"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": formatter},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"level": "WARNING"},
            "httpx": {"level": "WARNING"},
            "celery": {"level": "WARNING"},
        },
    }
