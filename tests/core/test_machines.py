"""The way of programs: what it takes, and that it answers as safely as the way of pages."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.http import StreamingHttpResponse
from django.urls import ResolverMatch

from core import machines
from core.machines import Machines


def ask(
    path: str, method: str = "GET", body: bytes = b"", **environ: str
) -> tuple[str, dict[str, str], bytes]:
    seen: dict[str, Any] = {}

    def pages(environ: Any, start_response: Any) -> list[bytes]:
        start_response("299 Pages", [])
        return [b"pages"]

    def start(status: str, headers: list[tuple[str, str]]) -> None:
        assert len(headers) == len({name.lower() for name, _ in headers})
        seen.update(status=status, headers=dict(headers))

    base = {
        "PATH_INFO": path, "REQUEST_METHOD": method, "HTTP_HOST": urlsplit(settings.ORIGIN).netloc,
        "SERVER_NAME": "x", "SERVER_PORT": "80", "wsgi.input": io.BytesIO(body), "wsgi.url_scheme": "http",
        "CONTENT_LENGTH": str(len(body)), "REMOTE_ADDR": "127.0.0.1",
    }  # fmt: skip
    answer = Machines(pages)({**base, **environ}, start)
    return seen["status"], seen["headers"], b"".join(answer)


@pytest.mark.parametrize("path", ["/sign-in", "/account/", "/dashboard/acme/", "/nowhere"])
def test_pages_go_their_own_way(path):
    assert ask(path)[0] == "299 Pages"


def test_a_probe_is_answered_here_with_every_header_of_safety():
    status, headers, _ = ask("/health")
    assert status == "200 OK"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Request-Id"].startswith("req_")


def test_what_is_not_there_is_a_problem_document():
    status, headers, body = ask("/v1/nowhere")
    assert status == "404 Not Found"
    assert headers["Content-Type"] == "application/problem+json"
    assert b'"code": "not_found"' in body or b'"code":"not_found"' in body


def test_L3_another_host_is_refused_here_too():
    assert ask("/v1/members", HTTP_HOST="evil.example")[0].startswith("400")


def test_B1_a_view_that_needs_a_csrf_token_goes_the_way_of_pages(monkeypatch):
    guarded = ResolverMatch(lambda request: None, (), {})
    monkeypatch.setattr(machines, "resolve", lambda path: guarded)
    assert not machines.takes("/v1/anything", "POST")
    assert machines.takes("/v1/anything", "GET")


def test_U2_an_error_of_ours_says_nothing_of_itself(monkeypatch):
    def broken(request):
        raise RuntimeError("canary")

    broken.csrf_exempt = True
    monkeypatch.setattr(machines, "resolve", lambda path: ResolverMatch(broken, (), {}))
    status, _, body = ask("/v1/anything", "POST")
    assert status.startswith("500")
    assert b"canary" not in body


def test_a_stream_is_passed_on_as_it_comes(monkeypatch):
    def export(request):
        return StreamingHttpResponse(iter([b"a", b"b"]))

    monkeypatch.setattr(machines, "resolve", lambda path: ResolverMatch(export, (), {}))
    assert ask("/v1/anything")[2] == b"ab"
