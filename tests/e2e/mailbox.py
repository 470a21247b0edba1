"""The local mailbox of development, read as JSON."""

from __future__ import annotations

import re
import time
from typing import Any

import httpx

SECONDS = 60.0  # of patience on a busy machine


class Mailbox:
    def __init__(self, address: str) -> None:
        self.address = address

    def newest(self, to: str, *, after: int = 0) -> dict[str, Any]:
        """Wait for more than `after` mails to the address and return the newest."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            found = [mail for mail in self._mails() if to in mail["to"]]
            if len(found) > after:
                return found[0]
            time.sleep(0.2)
        raise AssertionError(f"no mail to {to} within {SECONDS:.0f} s")

    def code(self, to: str) -> str:
        """Return the six digits in the newest mail to the address."""
        found = re.search(r"^\s+(\d{6})$", self.newest(to)["text"], re.M)
        assert found, "the mail holds no code"
        return found[1]

    def link(self, to: str) -> str:
        """Return the first link in the newest mail to the address."""
        found: str = self.newest(to)["links"][0]
        return found

    def texted(self, number: str) -> str:
        """Return the six digits in the newest message to the number."""
        found = re.search(r"\d{6}", self.newest(number)["text"])
        assert found, "the message holds no code"
        return found[0]

    def _mails(self) -> list[dict[str, Any]]:
        answer = httpx.get(self.address).raise_for_status().json()
        mails: list[dict[str, Any]] = answer["data"] if isinstance(answer, dict) else answer
        return mails
