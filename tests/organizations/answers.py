"""A domain name system and web servers that say what a test tells them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import httpx
from django.test import override_settings

from core import jobs, outbound
from organizations.resolver import LookupFailed, LookupTimedOut

TIMEOUT, FAILURE = "timeout", "failure"


class Answers:
    """Records by name, files by address; asked for anything else there is nothing."""

    records: dict[str, list[str] | str] = {}
    files: dict[str, str] = {}

    def texts(self, name: str) -> list[str]:
        said = self.records.get(name, [])
        if isinstance(said, str):
            raise {TIMEOUT: LookupTimedOut, FAILURE: LookupFailed}[said]
        return said


def request(method: str, url: str, **options: Any) -> outbound.Answer:
    if url not in Answers.files:
        raise outbound.OutboundFailed("connect")
    said = Answers.files[url]
    return outbound.Answer(404 if said == "404" else 200, httpx.Headers(), said.encode())


@contextmanager
def told() -> Iterator[type[Answers]]:
    resolver = f"{Answers.__module__}.{Answers.__name__}"
    with override_settings(DOMAIN_RESOLVER=resolver), patch.object(outbound, "request", request):
        yield Answers


def publish(domain: dict[str, Any]) -> None:
    """Put the TXT record there that the API asked for."""
    Answers.records[domain["dns_record"]["name"]] = ["v=spf1 -all", domain["dns_record"]["value"]]


def withdraw(domain: dict[str, Any]) -> None:
    Answers.records.pop(domain["dns_record"]["name"], None)


def run_jobs() -> None:
    while jobs.run_due():
        pass
