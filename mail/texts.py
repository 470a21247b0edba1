"""Short messages to phones: promised in the transaction that causes them, sent after it by the adapter.

An adapter is a class with `send`, named by the setting TEXT_SENDER. The one that comes with us writes to the
local mailbox of development; production names its own or has no codes by phone.
"""

from __future__ import annotations

import uuid
from typing import Any, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from core import ids, jobs
from mail import mailbox

JOB = "mail.text"


class Sender(Protocol):
    """Sends one message; a raised exception is tried again. `message_id` is the same at every try."""

    def send(self, *, message_id: str, number: str, text: str) -> None: ...


class ConsoleSender:
    """Shows messages beside the mails of the local mailbox. Refuses to work in production."""

    def send(self, *, message_id: str, number: str, text: str) -> None:
        if settings.PRODUCTION:
            raise RuntimeError("the console sender is for development: set TEXT_SENDER")
        mailbox.write_text(message_id, number, text)


def is_available() -> bool:
    return bool(settings.TEXT_SENDER)


def send(number: str, text: str, *, tenant_id: uuid.UUID | None, wanted: bool = True) -> None:
    """Promise a message to an E.164 number; with `wanted` false the job comes to nothing, at the same cost."""
    payload = {"id": str(ids.uuid7()), "number": number, "text": text, "wanted": wanted}
    jobs.enqueue(JOB, payload | {"tenant": str(tenant_id or "")})


@jobs.handler(JOB, opens_scope=False)
def deliver(payload: dict[str, Any]) -> None:
    if not payload["wanted"]:
        return
    sender: Sender = import_string(settings.TEXT_SENDER)()
    sender.send(message_id=payload["id"], number=payload["number"], text=payload["text"])
