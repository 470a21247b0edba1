"""A forged Host header reaches nothing (threats L3, P3); probes by address still work."""

from __future__ import annotations

import pytest

from tests.factories import Browser


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "localhost:8000@evil.example", "[::2]"]
)
def test_P3_a_foreign_host_is_refused(browser: Browser, host: str) -> None:
    for path in ("/sign-in", "/v1/members"):
        answer = browser.get(path, HTTP_HOST=host)
        assert answer.status_code == 400
        assert host not in answer.content.decode()


def test_P3_our_host_is_served_and_probes_need_none(browser: Browser) -> None:
    assert browser.get("/sign-in").status_code == 200
    assert browser.get("/health", HTTP_HOST="10.1.2.3").status_code == 200
