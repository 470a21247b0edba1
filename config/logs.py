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
    structlog.configure(
        processors=[*SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": _formatter(environment)},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": "WARNING" if environment == "test" else "INFO"},
        "loggers": {name: {"level": "WARNING"} for name in ("django", "httpx", "celery")},
    }


def _formatter(environment: str) -> dict[str, Any]:
    """JSON in production, words elsewhere; what must not be logged is taken out last."""
    renderer: Any = structlog.dev.ConsoleRenderer(colors=False)
    if environment == "production":
        renderer = structlog.processors.JSONRenderer()
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    return {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": SHARED,
        "processors": [remove, structlog.processors.format_exc_info, redact, renderer],
    }


SHARED: list[Any] = [
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    add_request,
]
