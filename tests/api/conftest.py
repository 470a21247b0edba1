"""What the tests of the API's door share: people made once, and limits that a sweep does not hit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from core import ratelimit
from core.ratelimit import Limit


@pytest.fixture(scope="module")
def roomy() -> Iterator[None]:
    """Raise every quota a thousandfold: a sweep makes more calls than a person does in a minute."""
    original = ratelimit.limit_for

    def wider(name: str, **options: bool) -> Limit:
        limit = original(name, **options)  # type: ignore[arg-type]
        return replace(limit, quota=limit.quota * 1000)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ratelimit, "limit_for", wider)
        yield
