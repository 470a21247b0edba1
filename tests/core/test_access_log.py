"""The access log: one line a request, nothing secret in it, and no line that a path could forge."""

from __future__ import annotations

import io
import json

import pytest

from core import access_log
from core.access_log import AccessLog


def ask(log: AccessLog, path: str = "/t/acme/v1/members", **environ: str) -> None:
    log({"REQUEST_METHOD": "GET", "PATH_INFO": path, "REMOTE_ADDR": "192.0.2.7", **environ}, lambda *_: None)
    log.flush()


def answering(environ, start_response):
    start_response("204 No Content", [("Content-Type", "text/plain"), ("Request-Id", "req_1")])
    return [b""]


@pytest.fixture
def out():
    return io.StringIO()


def test_people_read_method_path_status_time_and_request_id(out):
    ask(AccessLog(answering, access_log.for_people, out), QUERY_STRING="code=hidden")
    words = out.getvalue().split()
    assert words[:3] == ["GET", "/t/acme/v1/members", "204"]
    assert words[4:] == ["ms", "req_1"]
    assert "hidden" not in out.getvalue()


def test_machines_read_one_object_a_line(out):
    ask(AccessLog(answering, access_log.for_machines, out))
    line = json.loads(out.getvalue())
    assert line["event"] == "request"
    assert (line["status"], line["request_id"], line["ip"]) == (204, "req_1", "192.0.2.7")


def test_P3_the_address_is_the_one_a_trusted_proxy_saw(out, settings):
    settings.TRUSTED_PROXIES = 1
    ask(AccessLog(answering, access_log.for_machines, out), HTTP_X_FORWARDED_FOR="198.51.100.1, 203.0.113.9")
    assert json.loads(out.getvalue())["ip"] == "203.0.113.9"


@pytest.mark.parametrize("form", [access_log.for_people, access_log.for_machines])
def test_U2_a_path_cannot_write_a_line_of_its_own(out, form):
    ask(AccessLog(answering, form, out), "/x\nGET /forged 200 0.1 ms req_2\x1b[31m")
    assert out.getvalue().count("\n") == 1
    assert "\x1b" not in out.getvalue()


def test_U2_a_secret_in_a_path_is_blanked(out):
    ask(AccessLog(answering, access_log.for_people, out), "/v1/sk_live_" + "a" * 40)
    assert "aaaa" not in out.getvalue()
    assert "[redacted]" in out.getvalue()


def test_what_fails_before_it_answers_is_a_500(out):
    def failing(environ, start_response):
        raise RuntimeError

    log = AccessLog(failing, access_log.for_people, out)
    with pytest.raises(RuntimeError):
        ask(log)
    log.flush()
    assert " 500 " in out.getvalue()


def test_lines_leave_by_themselves(out):
    log = AccessLog(answering, access_log.for_people, out)
    log({"REQUEST_METHOD": "GET", "PATH_INFO": "/"}, lambda *_: None)
    assert log._writer is not None
    for _ in range(100):
        if out.getvalue():
            break
        log._writer.join(0.05)
    assert out.getvalue().startswith("GET / 204")


def test_output_that_nobody_takes_stops_no_request():
    out = io.StringIO()
    out.close()
    ask(AccessLog(answering, access_log.for_people, out))
