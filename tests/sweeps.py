"""Sweeps: one test that walks over hundreds of cases and names each one that failed.

A test for each case would cost a multiple of what most of them do, in collecting and setting up alone.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

import pytest

SECONDS = 600  # of patience with a whole sweep on a busy machine


def each(
    name: str, values: Iterable[Any], ids: Callable[[Any], str] = str
) -> Callable[[Callable[..., None]], Any]:
    """Call the test with every value as the argument `name`; what fails is told at the end, case by case.

    A case that skips itself is left out; the sweep is skipped where every case is.
    """
    cases = list(values)

    def decorate(test: Callable[..., None]) -> Any:
        @functools.wraps(test)
        def walk(**fixtures: Any) -> None:
            assert cases, "a sweep over nothing proves nothing"
            failures: list[BaseException] = []
            skipped = 0
            for case in cases:
                try:
                    test(**{name: case}, **fixtures)
                except pytest.skip.Exception:
                    skipped += 1
                except (Exception, BaseExceptionGroup) as error:  # the latter is what schemathesis raises
                    error.add_note(f"case: {ids(case)}")
                    failures.append(error)
            if failures:
                named = ", ".join(error.__notes__[-1].removeprefix("case: ") for error in failures)
                raise BaseExceptionGroup(f"{len(failures)} of {len(cases)} cases failed: {named}", failures)
            if skipped == len(cases):
                pytest.skip("every case skipped itself")

        taken = inspect.signature(test)
        others = [one for one in taken.parameters.values() if one.name != name]
        walk.__signature__ = taken.replace(parameters=others)  # type: ignore[attr-defined]
        return pytest.mark.timeout(SECONDS)(walk)

    return decorate
