"""The published document: valid, whole, stable, and what the API really answers (API-01, AZ-09)."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import jsonschema_rs
import pytest
from drf_spectacular.drainage import GENERATOR_STATS

from core.api import openapi
from identity.tokens import TokenScope
from roles.permissions import Permission
from tests.api.routes import Case, operations, routes
from tests.factories import Browser
from tests.sweeps import each

METHODS = ("get", "post", "put", "patch", "delete")
EVERY = [*operations(), *operations(account=True)]
PLAIN = {("get", "/v1/openapi.json")}  # it does not describe itself


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    answer = Browser().get("/v1/openapi.json")
    assert answer.status_code == 200
    published: dict[str, Any] = answer.json()
    return published


def described(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method, re.sub(r"{\w+}", "{}", path)): item[method]
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item
    }


def test_API01_it_is_a_valid_openapi_31_document(document: dict[str, Any]) -> None:
    from schemathesis.specs.openapi.definitions import OPENAPI_31

    assert document["openapi"].startswith("3.1")
    errors = [error.message for error in jsonschema_rs.validator_for(OPENAPI_31).iter_errors(document)]
    assert errors == []


def test_API01_making_it_warns_of_nothing() -> None:
    GENERATOR_STATS.reset()
    openapi.document.__wrapped__()
    assert not GENERATOR_STATS._warn_cache, dict(GENERATOR_STATS._warn_cache)
    assert not GENERATOR_STATS._error_cache, dict(GENERATOR_STATS._error_cache)


def test_API01_every_address_under_v1_is_in_it(document: dict[str, Any]) -> None:
    known = {path for _, path in described(document)}
    served = {"/" + re.sub(r"<[^>]+>", "{}", route) for route, _ in routes() if route.startswith("v1/")}
    assert served - known == {path for _, path in PLAIN}
    expected = {(case.method, "/" + re.sub(r"<[^>]+>", "{}", case.route)) for case in EVERY}
    assert expected | {("post", "/v1/auth/token")} == set(described(document))


def test_API01_operation_ids_are_unique_and_readable(document: dict[str, Any]) -> None:
    names = Counter(operation["operationId"] for operation in described(document).values())
    assert [name for name, count in names.items() if count > 1] == []
    assert all(re.fullmatch(r"[a-z][a-z0-9_]+", name) for name in names)
    assert [name for name in names if re.search(r"_\d+$", name)] == []


@each("case", EVERY)
def test_AZ09_each_operation_publishes_its_scope_and_its_refusals(
    case: Case, document: dict[str, Any]
) -> None:
    found = described(document)[case.method, "/" + re.sub(r"<[^>]+>", "{}", case.route)]
    assert found["x-required-scopes"] == ([case.operation.scope] if case.operation.scope else [])
    assert set(found["x-required-scopes"]) <= {
        *map(str, TokenScope if case.operation.account else Permission)
    }
    assert found["summary"]
    assert found["tags"]
    assert {"bearer": found["x-required-scopes"]} in found["security"]
    refusal = found["responses"]["4XX"]["content"]
    assert list(refusal) == ["application/problem+json"]
    success = [status for status in found["responses"] if status.startswith("2")]
    assert len(success) == 1


def test_T5_the_document_names_no_secret(document: dict[str, Any]) -> None:
    assert not re.search(r"sk_(live|test)_[0-9a-z]{6}|whsec_[A-Za-z0-9]{6}|eyJ", json.dumps(document))


def test_it_is_cached_by_its_tag() -> None:
    first = Browser().get("/v1/openapi.json")
    again = Browser().get("/v1/openapi.json", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_every_delete_answers_204(document: dict[str, Any]) -> None:
    """api-conventions §1."""
    said = {path: ops["delete"]["responses"] for path, ops in document["paths"].items() if "delete" in ops}
    assert len(said) > 20
    assert {
        path for path, responses in said.items() if not {"204"} <= responses.keys() <= {"204", "4XX", "5XX"}
    } == set()


def test_a_patch_may_empty_what_may_be_empty(document: dict[str, Any]) -> None:
    """RFC 7396: null, in the schema too."""
    patched = document["components"]["schemas"]["PatchedMemberPatch"]["properties"]
    assert patched["name"]["type"] == ["string", "null"]
    assert patched["metadata"]["type"] == ["object", "null"]
    assert patched["metadata"]["additionalProperties"]["type"] == ["string", "null"]
