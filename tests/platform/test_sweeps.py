"""A sweep hides nothing: every case runs, each failure is named, and a sweep over nothing is none."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sweeps import each


def swept(cases: list[Any]) -> tuple[Any, list[Any]]:
    seen: list[Any] = []

    @each("case", cases)
    def walk(case: Any, wanted: Any) -> None:
        seen.append(case)
        if case == "left out":
            pytest.skip("does not apply")
        assert case == wanted

    return walk, seen


def test_every_case_runs_and_those_that_fail_are_named() -> None:
    walk, seen = swept(["one", "two", "three"])
    with pytest.raises(ExceptionGroup, match="2 of 3 cases failed: one, three"):
        walk(wanted="two")
    assert seen == ["one", "two", "three"]


def test_a_case_may_skip_itself_and_all_of_them_skip_the_sweep() -> None:
    swept(["left out", "two"])[0](wanted="two")
    with pytest.raises(pytest.skip.Exception):
        swept(["left out"])[0](wanted="two")


def test_a_sweep_over_nothing_fails() -> None:
    with pytest.raises(AssertionError):
        swept([])[0](wanted="two")
