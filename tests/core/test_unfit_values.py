"""A value that only the database refuses is the caller's fault, not a failure of ours (threat P1)."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DataError, connection

from core.middleware import as_problem


def refused(statement: str, value: Any) -> DataError:
    with pytest.raises(DataError) as caught, connection.cursor() as cursor:
        cursor.execute(statement, [value])
    return caught.value


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("SELECT %s", "a\0b"),
        ("SELECT %s::int", "99999999999"),
        ("SELECT %s::date", "2026-13-45"),
        ("SELECT %s::uuid", "x"),
    ],
)
def test_P1_what_no_column_takes_is_malformed(statement: str, value: Any) -> None:
    assert as_problem(refused(statement, value)).status == 400


def test_a_statement_of_ours_that_is_wrong_stays_our_failure() -> None:
    assert as_problem(refused("SELECT 1 / %s", 0)).status == 500
