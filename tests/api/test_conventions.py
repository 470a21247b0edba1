"""Headers, methods, versions, preconditions and transport at the API's door (api-conventions §1, §4, §7; API-10)."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.db import connections
from django.test import override_settings

from tests.api.callers import problem
from tests.api.routes import Case, operations
from tests.api.test_idempotency import together
from tests.factories import Browser, Cast, access_token, make_cast, unique
from tests.sweeps import each

pytestmark = pytest.mark.usefixtures("roomy")
CASES = operations()
ADDRESS = "/v1/organizations"


@pytest.fixture(scope="module")
def people() -> Cast:
    return make_cast()


@pytest.fixture(scope="module")
def token(people: Cast) -> str:
    return access_token(people.owner)


def organization(token: str, **body: Any) -> tuple[str, str]:
    """Return (address, ETag) of a new organization."""
    made = Browser().api("POST", ADDRESS, token, {"name": unique("Etag"), **body})
    assert made.status_code == 201, made.content
    path = f"{ADDRESS}/{made.json()['id']}"
    return path, Browser().api("GET", path, token).headers["ETag"]


def test_every_answer_carries_request_id_version_and_limits(token: str) -> None:
    for path, status in ((ADDRESS, 200), (f"{ADDRESS}/x", 404)):
        answer = Browser().api("GET", path, token)
        assert answer.status_code == status
        assert answer.headers["Request-Id"].startswith("req_")
        assert answer.headers["Api-Version"] == "2026-11-22"
        assert answer.headers["RateLimit-Policy"]
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_request_id_is_ours_whatever_the_caller_sends(token: str) -> None:
    answer = Browser().api("GET", ADDRESS, token, Request_Id="req_forged\u00e9")
    assert "forged" not in answer.headers["Request-Id"]


def test_a_version_that_exists_is_echoed_and_another_is_refused(token: str) -> None:
    assert Browser().api("GET", ADDRESS, token, Api_Version="2026-11-22").status_code == 200
    for version in ("2019-01-01", "latest", ""):
        told = problem(Browser().api("GET", ADDRESS, token, Api_Version=version), 400, "validation_failed")
        assert told["errors"][0]["pointer"] == "Api-Version"


@pytest.mark.parametrize(
    "accept",
    [
        "application/json",
        "*/*",
        "application/*",
        "application/json;q=0.5, text/html",
        "",
        "application/json; charset=utf-8",
    ],
)
def test_json_is_answered_to_whoever_takes_it(accept: str, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"} | ({"Accept": accept} if accept else {})
    answer = Browser().get(ADDRESS, headers=headers)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "nonsense", "image/*"])
def test_another_form_is_refused_as_a_problem(accept: str, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}", "Accept": accept}
    problem(Browser().get(ADDRESS, headers=headers), 406, "not_acceptable")


@each("case", CASES)
def test_a_method_that_is_not_taken_is_refused_with_those_that_are(case: Case, token: str) -> None:
    answer = Browser().api("TRACE", case.path(), token)
    told = problem(answer, 405, "method_not_allowed")
    assert case.method.upper() in answer.headers["Allow"]
    assert token not in str(told)


@each("path", sorted({case.path() for case in CASES if not case.arguments}))
def test_OPTIONS_names_the_methods_and_nothing_else(path: str) -> None:
    answer = Browser().options(path, headers={"Origin": "https://elsewhere.example"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert "OPTIONS" in answer.headers["Allow"]


@each("path", sorted({case.path() for case in CASES if case.method == "get" and not case.arguments}))
def test_HEAD_is_GET_without_the_body_and_checks_as_much(path: str, token: str) -> None:
    got = Browser().api("GET", path, token)
    answer = Browser().api("HEAD", path, token)
    assert (answer.status_code, answer.content) == (got.status_code, b"")
    assert Browser().api("HEAD", path).status_code == 401


@pytest.mark.parametrize(
    "origin", ["https://elsewhere.example", "null", "http://localhost:8000.evil.example"]
)
def test_B5_no_header_lets_an_unlisted_origin_read(origin: str, token: str) -> None:
    for method in ("GET", "OPTIONS", "POST"):
        answer = Browser().api(method, ADDRESS, token, Origin=origin, Access_Control_Request_Method="POST")
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


def test_a_stale_precondition_is_refused_and_a_fresh_one_is_met(token: str) -> None:
    path, tag = organization(token)
    changed = Browser().api("PATCH", path, token, {"name": unique("New")}, If_Match=tag)
    assert changed.status_code == 200
    assert changed.headers["ETag"] != tag
    problem(Browser().api("PATCH", path, token, {"name": "Old"}, If_Match=tag), 412, "precondition_failed")
    problem(Browser().api("DELETE", path, token, If_Match=tag), 412, "precondition_failed")
    assert Browser().api("GET", path, token).json()["name"] != "Old"
    assert Browser().api("PATCH", path, token, {"name": unique("Any")}, If_Match="*").status_code == 200
    listed = f'"other", {Browser().api("GET", path, token).headers["ETag"]}'
    assert Browser().api("DELETE", path, token, If_Match=listed).status_code == 204


def test_of_twenty_that_read_the_same_tag_one_writes(token: str) -> None:
    path, tag = organization(token)

    def write(number: int) -> int:
        return int(
            Browser().api("PATCH", path, token, {"name": f"Writer {number}"}, If_Match=tag).status_code
        )

    codes = together(20, write)
    assert sorted(codes) == [200] + [412] * 19


@each("case", [c for c in CASES if c.operation.if_match == "required"])
def test_where_a_precondition_is_required_its_absence_is_told(case: Case, people: Cast, token: str) -> None:
    made = Browser().api(
        "POST", "/v1/roles", token, {"name": unique("role"), "permissions": ["members:read"]}
    )
    assert made.status_code == 201, made.content
    if "organization" in case.arguments:
        pytest.skip("the role of an organization: the same code behind another address")
    path = case.path({"role": made.json()["id"]})
    body = {} if case.method == "patch" else None
    problem(Browser().api(case.method, path, token, body), 428, "precondition_required")
    tag = Browser().api("GET", path, token).headers["ETag"]
    assert Browser().api(case.method, path, token, body, If_Match=tag).status_code in (200, 204)


def test_a_merge_patch_changes_what_it_names_and_null_clears_where_it_may(token: str) -> None:
    path, _ = organization(token, external_id=unique("crm"), metadata={"a": "1", "b": "2"})
    before = Browser().api("GET", path, token).json()
    for kind in ("application/json", "application/merge-patch+json"):
        answer = Browser().patch(
            path, b'{"external_id": null}', kind, headers={"Authorization": f"Bearer {token}"}
        )
        assert answer.status_code == 200, answer.content
    after = Browser().api("GET", path, token).json()
    assert after["external_id"] is None
    assert {**after, "external_id": 0, "updated_at": 0} == {**before, "external_id": 0, "updated_at": 0}
    told = problem(Browser().api("PATCH", path, token, {"name": None}), 400, "validation_failed")
    assert told["errors"][0]["pointer"] == "/name"
    assert Browser().api("PATCH", path, token, {}).status_code == 200


def test_a_deleted_row_answers_204_without_a_body_and_then_404(token: str) -> None:
    path, _ = organization(token)
    answer = Browser().api("DELETE", path, token)
    assert (answer.status_code, answer.content) == (204, b"")
    problem(Browser().api("DELETE", path, token), 404, "not_found")


@pytest.mark.parametrize("path", ["/v1/members", "/v1/auth/token", "/v1/nothing", "/v1/openapi.json"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
def test_API10_plain_http_is_refused_and_never_redirected(path: str, method: str, token: str) -> None:
    with override_settings(SECURE=True):
        answer = Browser().api(method, path, token, {})
        told = problem(answer, 400, "https_required")
        assert "Location" not in answer.headers
        assert "rotate" in told["detail"]


def test_API10_a_page_is_redirected_and_a_probe_answered() -> None:
    with override_settings(SECURE=True):
        page = Browser().get("/sign-in?next=/account/")
        assert page.status_code == 301
        assert page.headers["Location"] == f"{settings.ORIGIN}/sign-in?next=/account/"
        hosted = Browser().get("/t/acme/sign-in?prompt=login")
        assert hosted.headers["Location"] == f"{settings.ORIGIN}/t/acme/sign-in?prompt=login"
        assert Browser().get("/health").status_code == 200


def test_API10_only_a_trusted_proxy_can_say_that_it_was_https(token: str) -> None:
    with override_settings(SECURE=True, TRUSTED_PROXIES=0):
        problem(Browser().api("GET", ADDRESS, token, X_Forwarded_Proto="https"), 400, "https_required")
    with override_settings(SECURE=True, TRUSTED_PROXIES=1, SECURE_HSTS_SECONDS=600):
        answer = Browser().api("GET", ADDRESS, token, X_Forwarded_Proto="https")
        assert answer.status_code == 200
        assert answer.headers["Strict-Transport-Security"] == "max-age=600; includeSubDomains"
        problem(Browser().api("GET", ADDRESS, token, X_Forwarded_Proto="https, http"), 400, "https_required")


@pytest.mark.parametrize(
    "path", ["/v1", "/v1/", "/v1/nothing", "/v1/members/", "/v1/members/a/b/c", "/.well-known/x"]
)
def test_an_address_that_does_not_exist_is_a_problem_document(path: str, token: str) -> None:
    problem(Browser().api("GET", path, token), 404, "not_found")


def test_no_connection_is_left_open_by_the_threads_of_these_tests() -> None:
    assert not any(connection.in_atomic_block for connection in connections.all(initialized_only=True))
