"""The request and response of programs behave as Django's own where views look at them."""

from __future__ import annotations

import io

import pytest
from django.core.handlers.wsgi import WSGIRequest

from core.machine_http import MachineRequest, MachineResponse, json_response


def environ(**more):
    return {
        "REQUEST_METHOD": "GET", "PATH_INFO": "/v1/principal", "QUERY_STRING": "limit=3&q=a",
        "wsgi.input": io.BytesIO(b""),
        "wsgi.url_scheme": "http", "SERVER_NAME": "x", "SERVER_PORT": "80", "HTTP_HOST": "id.example",
        "HTTP_X_API_KEY": "key", "CONTENT_TYPE": "application/json", **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    "more", [{}, {"REQUEST_METHOD": "HEAD"}, {"PATH_INFO": "/v1/\xc3\xa9"}, {"PATH_INFO": ""}]
)
def test_it_says_the_same_as_djangos(more):
    ours, theirs = MachineRequest(environ(**more)), WSGIRequest(environ(**more))
    for name in ("method", "path", "path_info", "GET", "body", "content_type", "COOKIES"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.get_full_path() == theirs.get_full_path()
    assert dict(ours.headers) == dict(theirs.headers)


def test_headers_are_found_without_case_and_missing_ones_are_not():
    headers = MachineRequest(environ()).headers
    assert headers["x-api-KEY"] == headers.get("X-Api-Key") == "key"
    assert headers.get("Content-Type") == "application/json"
    assert "Authorization" not in headers
    assert headers.get("Authorization", "none") == "none"
    with pytest.raises(KeyError):
        headers["Authorization"]


def test_a_form_is_read_as_djangos():
    body = b"grant_type=client_credentials&scope=a+b"
    more = {
        "REQUEST_METHOD": "POST", "CONTENT_TYPE": "application/x-www-form-urlencoded",
        "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body),
    }  # fmt: skip
    assert MachineRequest(environ(**more)).POST.dict() == {
        "grant_type": "client_credentials", "scope": "a b",
    }  # fmt: skip


def test_an_answer_holds_its_bytes_and_headers():
    answer = json_response({"a": "é"}, status=201, headers={"Cache-Control": "no-store"})
    assert (answer.status_code, answer.reason_phrase) == (201, "Created")
    assert answer.content == b'{"a":"\\u00e9"}'
    assert dict(answer.items()) == {"Content-Type": "application/json", "Cache-Control": "no-store"}
    answer.headers["Vary"] = "Origin"
    assert answer["vary"] == "Origin"
    assert list(answer) == [answer.content]


def test_B5_an_answer_to_a_program_sets_no_cookie():
    with pytest.raises(TypeError):
        MachineResponse(b"").set_cookie("session", "x")
