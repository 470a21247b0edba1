"""The job behind `mail.services.send`. No transaction is open while the mail server is spoken to."""

from __future__ import annotations

from typing import Any

from core import jobs
from mail import messages
from mail.services import JOB


@jobs.handler(JOB, opens_scope=False)
def deliver(payload: dict[str, Any]) -> None:
    messages.build(payload).send()
