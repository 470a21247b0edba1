"""Sending many messages at once: an asyncio loop in a thread of its own, through core.outbound only.

One thread carries every request that is under way, so that a receiver that hangs holds a socket and
nothing else.
"""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

import structlog
from django.utils import timezone

from core import outbound
from webhooks import schedule
from webhooks.messages import Message

log = structlog.get_logger(__name__)
KEPT = 4096  # bytes of the answer
LIMITS = outbound.Limits(connect=5.0, total=15.0, max_bytes=KEPT, truncate=True)
LAST_RESORT = 20.0  # seconds; the limits above end a request before that
SHOWN = ("content-type", "retry-after", "server", "date", "location", "webhook-id")
# What an attempt says about failures. Whatever is blocked, does not resolve or refuses to connect reads the
# same, so that results map no network (threat W3).
UNUSABLE = "address_unusable"
ERRORS = {"timeout": "timeout", "tls": "tls", "protocol": "protocol", "encoding": "protocol"}


@dataclass(frozen=True)
class Result:
    """What came of an attempt: a status, or else an error."""

    message: Message
    sent_at: datetime
    duration_ms: int = 0
    status: int | None = None
    error: str = ""
    answer: str = ""
    answer_headers: dict[str, str] = field(default_factory=dict)
    retry_after: float | None = None

    @property
    def succeeded(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class Sender:
    """Runs the loop while the context is open; `send` may be called from any thread."""

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="webhooks", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(_cancel_the_rest(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        if not self._thread.is_alive():
            self._loop.close()

    def send(self, message: Message) -> Future[Result]:
        return asyncio.run_coroutine_threadsafe(send(message), self._loop)


async def _cancel_the_rest() -> None:
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


async def send(message: Message) -> Result:
    """Send one message; every failure is a result, none raises."""
    sent_at, started = timezone.now(), time.monotonic()
    if message.error:
        return Result(message, sent_at, error=message.error)
    try:
        async with asyncio.timeout(LAST_RESORT):
            answer = await outbound.request_async(
                "POST", message.url, headers=message.headers, content=message.body, limits=LIMITS
            )
    except outbound.OutboundFailed as error:
        return _failed(message, sent_at, started, ERRORS.get(error.reason, UNUSABLE))
    except outbound.OutboundRefused:
        return _failed(message, sent_at, started, UNUSABLE)
    except TimeoutError:
        return _failed(message, sent_at, started, "timeout")
    except Exception as error:
        log.exception("sending a webhook failed", exc_info=error)
        return _failed(message, sent_at, started, "internal")
    return _answered(message, sent_at, started, answer)


def _failed(message: Message, sent_at: datetime, started: float, error: str) -> Result:
    return Result(message, sent_at, _since(started), error=error)


def _answered(message: Message, sent_at: datetime, started: float, answer: outbound.Answer) -> Result:
    shown = {name: answer.headers[name][:300] for name in SHOWN if name in answer.headers}
    return Result(
        message,
        sent_at,
        _since(started),
        status=answer.status,
        answer=_storable(answer.body.decode("utf-8", errors="replace")),
        answer_headers={name: _storable(value) for name, value in shown.items()},
        retry_after=schedule.read_retry_after(answer.headers.get("retry-after", ""), sent_at),
    )


def _since(started: float) -> int:
    return int((time.monotonic() - started) * 1000)


def _storable(text: str) -> str:
    """PostgreSQL stores no NUL; anything else is escaped where it is shown (threat U2)."""
    return text.replace("\0", "�")
