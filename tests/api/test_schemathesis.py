"""Generated requests out of the published document: no 5xx, and every answer is as it says (API-01, threat P1)."""

from __future__ import annotations

import os
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import strategies as st

from config.wsgi import application
from core import ids
from tests.api.objects import every_kind
from tests.api.routes import Case, operations
from tests.factories import Cast, access_token, make_cast, make_member
from tests.sweeps import each

pytestmark = pytest.mark.usefixtures("roomy")
# More of them, and others each time, are what finds something: CLAVIGER_EXAMPLES=100 after the API has changed.
EXAMPLES = int(os.environ.get("CLAVIGER_EXAMPLES", "0"))
FEW = settings(
    max_examples=EXAMPLES or 6,
    deadline=None,
    derandomize=not EXAMPLES,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    verbosity=Verbosity.quiet,
)


@pytest.fixture(scope="module")
def checks() -> tuple[Any, ...]:
    # Loaded where it is used: the library takes a second, and both workers read this file.
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi import checks as openapi

    return (
        not_a_server_error,
        openapi.status_code_conformance,
        openapi.content_type_conformance,
        openapi.response_schema_conformance,
    )


@pytest.fixture(scope="module")
def schema() -> Any:
    import schemathesis

    return schemathesis.openapi.from_wsgi("/v1/openapi.json", application)


@pytest.fixture(scope="module")
def people() -> Cast:
    return make_cast()


@pytest.fixture(scope="module")
def token(people: Cast) -> str:
    return access_token(people.owner)


@pytest.fixture(scope="module")
def known(people: Cast) -> dict[str, str]:
    return every_kind(people.acme, people.owner) | {"member": make_member(people.acme).subject}


@pytest.fixture(scope="module")
def rows(people: Cast) -> dict[str, str]:
    """One of every kind, in a tenant that nothing is changed in."""
    return every_kind(people.globex, people.other_owner)


@pytest.fixture(scope="module")
def reader(people: Cast) -> str:
    return access_token(people.other_owner)


def operation_of(schema: Any, case: Case) -> Any:
    return schema["/" + re.sub(r"<\w+:(\w+)>", r"{\1}", case.route)][case.method.upper()]


@each("case", operations())
def test_P1_generated_requests_get_the_answers_that_the_document_promises(
    case: Case, schema: Any, checks: Any, token: str, known: dict[str, str]
) -> None:
    described = operation_of(schema, case)

    @given(generated=described.as_strategy(), real=st.booleans())
    @FEW
    def run(generated: Any, real: bool) -> None:
        if real:
            generated.path_parameters = {**(generated.path_parameters or {}), **chosen(case, known)}
        headers = {"Authorization": f"Bearer {token}"}
        if case.operation.idempotency == "required":
            headers["Idempotency-Key"] = ids.new_request_id()
        generated.call_and_validate(headers=headers, checks=checks)

    run()


def chosen(case: Case, known: dict[str, str]) -> dict[str, str]:
    return {name: known[name] for name in case.arguments if name in known}


@each("case", [case for case in operations() if case.method == "get"])
def test_API01_real_rows_are_as_the_document_says(
    case: Case, rows: dict[str, str], reader: str, schema: Any, checks: Any
) -> None:
    assert set(case.arguments) <= rows.keys(), "add a row of the new kind to tests/api/objects.py"
    described = operation_of(schema, case)
    generated = described.Case(path_parameters=chosen(case, rows), headers={}, query={})
    answer = generated.call(headers={"Authorization": f"Bearer {reader}"})
    generated.validate_response(answer, checks=checks)
    assert answer.status_code == 200
