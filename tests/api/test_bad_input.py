"""Input that nobody honest sends, at every operation: one problem document, quickly, and nothing stored."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from rest_framework import serializers

from core import ids
from core.api import fields
from core.api.lists import ListQuery
from tenants.selectors import TenantRef
from tests.api.callers import problem
from tests.api.routes import Case, operations
from tests.factories import Browser, Cast, access_token, make_cast
from tests.isolation import catalogue, raw
from tests.sweeps import each

pytestmark = pytest.mark.usefixtures("roomy")
CASES = operations()
WITH_BODY = [case for case in CASES if case.method != "get"]
SHAPED = [case for case in WITH_BODY if case.operation.body is not None]
LISTS = [case for case in CASES if case.operation.query is not None]
CANARY = "canary-7f3a-secret"

UNREADABLE = {
    "cut": b'{"name": "',
    "two objects": b"{}{}",
    "a list": b"[1, 2]",
    "a number": b"17",
    "null": b"null",
    "single quotes": b"{'name': 'x'}",
    "NaN": b'{"name": NaN}',
    "infinite": b'{"name": -Infinity}',
    "beyond floats": b'{"name": 1e999}',
    "a thousand digits": b'{"name": %s}' % (b"9" * 1000),
    "one name twice": b'{"name": "a", "name": "b"}',
    "twice inside": b'{"metadata": {"a": "1", "a": "2"}}',
    "depth 1000": b'{"metadata":' + b"[" * 1000 + b"]" * 1000 + b"}",
    "depth 100000": b"[" * 100_000,
    "120000 values": b'{"metadata":[' + b"1," * 120_000 + b"1]}",
    "10001 members": json.dumps({"metadata": {str(i): "" for i in range(10_001)}}).encode(),
    "NUL": b'{"name": "a\\u0000b"}',
    "NUL raw": b'{"name": "a\x00b"}',
    "lone surrogate": b'{"name": "\\ud800"}',
    "surrogates backwards": b'{"name": "\\udc00\\ud800"}',
    "encoded surrogate": b'{"name": "\xed\xa0\x80"}',
    "overlong": b'{"name": "\xc0\xaf"}',
    "byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "latin 1": '{"name": "é"}'.encode("latin-1"),
}
INVISIBLE = ["a\u202eb", "a\u2066b", "a\u200bb", "a\ufeffb", "a\x1bb", "a\x85b", "a\u2028b", "a\U000e0041b"]
STRANGE = [
    "\x03YB\xba\xa6",
    "\u0661\u0662\u0663",
    "\ufdfa" * 30,
    "e" + "\u0301" * 60,
    "\U0001f9d1\u200d\U0001f4bb",
    "\xdf\u0130\u0131",
]
WRONG: list[tuple[type[serializers.Field], list[Any]]] = [
    (fields.Text, [5, True, [], {}, [CANARY]]),
    (serializers.CharField, [[], {}, [CANARY], {"a": 1}, [[]]]),
    (fields.Flag, ["true", 1, [], {}, CANARY]),
    (fields.Integer, ["5", True, [], {}, 1.5]),
    (serializers.ListField, [5, CANARY, {}, True, 1.5]),
    (serializers.DictField, [5, CANARY, [], True, 1.5]),
    (fields.PublicId, [5, CANARY, [], {}, "org_zzzzzzzzzzzzzzzzzzzzzzzzzz"]),
    (fields.Timestamp, [5, "yesterday", [], "2026-13-45T99:00:00Z", {}]),
    (serializers.Field, [5, CANARY, [], True, 1.5]),
]
PLACES = [
    "%00",
    "%ff",
    "%c0%af",
    "%ed%a0%80",
    "..%2f",
    "x" * 4000,
    "'%20OR%201=1--",
    "%E2%80%AE",
    "org_" + "z" * 26,
    "٣",
]
QUERIES = ["unknown=1", "unknown=1&unknown=2", "%00=1", "format=xml", "tenant_id=x", "a%5B%5D=1"]
LIST_QUERIES = [
    "limit=0", "limit=101", "limit=-1", "limit=abc", "limit=1e3", "limit=" + "9" * 2000, "limit=1&limit=2",
    "order=sideways", "order=asc%00", "created_at%5Bgte%5D=yesterday", "created_at%5Blt%5D=2026-01-01",
    "created_at%5Bnear%5D=2026-01-01T00:00:00Z", "created_at%5Bgt%5D=99999-01-01T00:00:00Z",
    "include_total=perhaps", "q=%00", "q=" + "a" * 500,
]  # fmt: skip
VALUES = ["%00", "%ff", CANARY + "%F0%9F%98%80", "a" * 3000, "%E2%80%AEx", "-1", "%27%22%3B--"]
COMMON = ListQuery().fields


@pytest.fixture(scope="module")
def people() -> Cast:
    return make_cast()


@pytest.fixture(scope="module")
def token(people: Cast) -> str:
    return access_token(people.owner)


class Ledger:
    """Counts a tenant's rows in every table that names one, over one connection and one plan.

    Django closes a connection without a pool after each request; a new one costs more than the counting.
    """

    def __init__(self, connection: psycopg.Connection[Any], tenant: TenantRef) -> None:
        names = [table.name for table in catalogue.scoped() if "tenant_id" in table.columns]
        parts = (f"SELECT '{name}', count(*) FROM {name} WHERE tenant_id = '{tenant.id}'" for name in names)
        connection.execute(f"PREPARE counts AS {' UNION ALL '.join(parts)}")  # type: ignore[arg-type]
        self.connection = connection
        self.known = self.count()  # nothing else writes to the tenants of this module

    def count(self) -> dict[str, int]:
        return dict(self.connection.execute("EXECUTE counts").fetchall())

    @contextmanager
    def nothing_stored(self, *, besides: str = "") -> Iterator[None]:
        before = self.known
        try:
            yield
        finally:  # a case that fails must not blame those after it
            self.known = self.count()
        assert {name for name, rows in self.known.items() if rows != before[name]} <= {besides}


@pytest.fixture(scope="module")
def ledger(people: Cast, token: str) -> Iterator[Ledger]:
    with psycopg.connect(**raw.parameters("owner"), autocommit=True) as connection:
        yield Ledger(connection, people.acme)


def send(case: Case, token: str, raw: bytes, *, path: str = "", kind: str = "application/json") -> Any:
    """Send raw bytes; asserts that answering takes under 200 ms of processor time (threat P2)."""
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": ids.new_request_id()}
    for _ in range(2):  # once more after a collection of garbage, which the caller did not cause
        started = time.thread_time()
        answer = Browser().generic(case.method.upper(), path or case.path(), raw, kind, headers=headers)
        if time.thread_time() - started < 0.2:
            return answer
    raise AssertionError((str(case), raw[:60]))


@each("case", WITH_BODY)
def test_P1_bytes_that_are_not_one_clean_object_are_refused(case: Case, ledger: Ledger, token: str) -> None:
    with ledger.nothing_stored():
        for name, raw in UNREADABLE.items():
            answer = problem(send(case, token, raw), 400, "malformed_request")
            assert "Traceback" not in str(answer), name


@each("case", WITH_BODY)
def test_P2_a_body_over_the_limit_is_refused(case: Case, ledger: Ledger, token: str) -> None:
    with ledger.nothing_stored():
        for raw in (b'{"name": "%s"}' % (b"a" * 262_144), b" " * 2_000_000):
            problem(send(case, token, raw), 413, "payload_too_large")


@each("case", WITH_BODY)
def test_P1_a_body_of_another_kind_is_refused(case: Case, ledger: Ledger, token: str) -> None:
    with ledger.nothing_stored():
        for kind in (
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "",
            "nonsense",
        ):
            problem(send(case, token, b'{"name": "x"}', kind=kind), 415, "unsupported_media_type")


@each("case", WITH_BODY)
def test_L10_a_field_that_is_not_listed_is_refused(case: Case, ledger: Ledger, token: str) -> None:
    names = {"is_staff", "tenant_id", "id", "email_verified", "__proto__", "created_at", "a/b~c"}
    with ledger.nothing_stored():
        answer = problem(
            send(case, token, json.dumps(dict.fromkeys(names, CANARY)).encode()), 400, "validation_failed"
        )
    assert CANARY not in str(answer)
    if case.operation.body is not None:
        found = {error["pointer"] for error in answer["errors"] if error["code"] == "unknown_field"}
        assert found == {"/" + name.replace("~", "~0").replace("/", "~1") for name in names}


def wrong_for(field: serializers.Field, number: int) -> Any:
    return next(values for kind, values in WRONG if isinstance(field, kind))[number]


@pytest.mark.parametrize("number", range(5))
@each("case", SHAPED)
def test_P1_each_field_refuses_other_types_and_repeats_none_of_it(
    case: Case, number: int, ledger: Ledger, token: str
) -> None:
    assert case.operation.body is not None
    body = {name: wrong_for(field, number) for name, field in case.operation.body().fields.items()}
    with ledger.nothing_stored():
        answer = problem(send(case, token, json.dumps(body).encode()), 400, "validation_failed")
    named = {error["pointer"].split("/")[1] for error in answer["errors"]}
    assert named == body.keys(), {name: body[name] for name in body.keys() - named}
    assert CANARY not in str(answer)


@each("case", SHAPED)
def test_P1_invisible_and_direction_changing_characters_are_refused(
    case: Case, ledger: Ledger, token: str
) -> None:
    assert case.operation.body is not None
    texts = [name for name, field in case.operation.body().fields.items() if isinstance(field, fields.Text)]
    if not texts:
        pytest.skip("takes no text")
    with ledger.nothing_stored():
        for text in INVISIBLE:
            answer = problem(
                send(case, token, json.dumps(dict.fromkeys(texts, text)).encode()), 400, "validation_failed"
            )
            assert {f"/{name}" for name in texts} <= {error["pointer"] for error in answer["errors"]}, repr(
                text
            )


@each("case", SHAPED)
def test_P1_strange_letters_in_every_field_at_once_break_nothing(case: Case, token: str) -> None:
    assert case.operation.body is not None
    for text in STRANGE:
        body = json.dumps(dict.fromkeys(case.operation.body().fields, text)).encode()
        answer = send(case, token, body)
        assert answer.status_code < 500, (text, answer.content[:300])


@each("case", [case for case in CASES if case.arguments])
def test_P1_hostile_ids_read_as_missing(case: Case, ledger: Ledger, token: str) -> None:
    # Asking for what is missing is an answer of the work itself, so a retry gets it again (conventions §5).
    with ledger.nothing_stored(besides="core_idempotencyrecord"):
        for place in PLACES:
            answer = send(case, token, b"", path=case.path(dict.fromkeys(case.arguments, place)))
            assert answer.status_code in (400, 404), (place, answer.status_code, answer.content[:300])
            problem(answer, answer.status_code)


@each("case", CASES)
def test_P1_query_parameters_that_are_not_listed_are_refused(case: Case, ledger: Ledger, token: str) -> None:
    with ledger.nothing_stored():
        for query in QUERIES:
            problem(send(case, token, b"", path=f"{case.path()}?{query}"), 400, "validation_failed")


@each("case", LISTS)
def test_P2_bounds_and_filters_of_lists_are_checked(case: Case, token: str) -> None:
    assert case.operation.query is not None
    known = case.operation.query().fields
    if issubclass(case.operation.query, ListQuery):
        for query in LIST_QUERIES:
            problem(send(case, token, b"", path=f"{case.path()}?{query}"), 400, "validation_failed")
    for number, name in enumerate(known):
        # What all lists share is read in one place: there the values are dealt out over the lists.
        values = [VALUES[(LISTS.index(case) + number) % len(VALUES)]] if name in COMMON else VALUES
        for value in values:
            answer = send(case, token, b"", path=f"{case.path()}?{name.replace('[', '%5B')}={value}")
            assert answer.status_code < 500, (name, value, answer.content[:300])
            assert answer.status_code == 200 or problem(answer, answer.status_code)
