"""The local mailbox of development and tests: outgoing mail as JSON files under `VAR_DIR/mailbox`.

A file is named after the Message-ID, so a mail that is sent twice is there once.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from email.utils import parseaddr
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

LINK = re.compile(r"https?://[^\s<>\"]+")
NAME = re.compile(r"[0-9a-f-]{36}\Z")
KEPT = 500


class MailboxBackend(BaseEmailBackend):
    """Django's e-mail backend that writes instead of sending. Refuses to work in production."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        if settings.PRODUCTION:
            raise RuntimeError("the local mailbox is for development: set EMAIL_BACKEND and EMAIL_HOST")
        for message in email_messages:
            _write(_describe(message))
        return len(email_messages)


def folder() -> Path:
    path = Path(settings.VAR_DIR) / "mailbox"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def every() -> list[dict[str, Any]]:
    """Return all mails, newest first."""
    return [_read(path) for path in _files()]


def one(name: str) -> dict[str, Any] | None:
    path = folder() / f"{name}.json"
    return _read(path) if NAME.match(name) and path.is_file() else None


def _files() -> list[Path]:
    """Ids are UUIDv7: the name's order is the order of promise."""
    place = folder()
    names = sorted(os.listdir(place), reverse=True)  # noqa: PTH208 — an iterdir() makes a path of each first
    return [place / name for name in names if name.endswith(".json")]


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def write_text(message_id: str, number: str, text: str) -> None:
    """Keep a short message beside the mails."""
    _write(
        {
            "id": message_id,
            "to": [number],
            "from": "",
            "reply_to": [],
            "subject": text,
            "text": text,
            "html": "",
            "links": LINK.findall(text),
            "sent_at": timezone.now().isoformat(),
        }
    )


def _write(mail: dict[str, Any]) -> None:
    path = folder() / f"{mail['id']}.json"
    draft = path.with_suffix(f".{os.getpid()}.draft")
    draft.write_text(json.dumps(mail, ensure_ascii=False, indent=1))
    draft.chmod(0o600)
    draft.replace(path)
    for old in _files()[KEPT:]:
        old.unlink(missing_ok=True)


def _describe(message: EmailMessage) -> dict[str, Any]:
    html = next((str(body) for body, kind in getattr(message, "alternatives", []) if kind == "text/html"), "")
    text = str(message.body)
    return {
        "id": message.extra_headers["Message-ID"].strip("<>").split("@")[0],
        "to": [parseaddr(address)[1] for address in message.to],
        "from": message.from_email,
        "reply_to": list(message.reply_to),
        "subject": str(message.subject),
        "text": text,
        "html": html,
        "links": list(dict.fromkeys(LINK.findall(text))),
        "sent_at": timezone.now().isoformat(),
    }
