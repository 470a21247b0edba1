from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A private directory with a short name: sockets lie in it, and their paths may not be long."""
    with TemporaryDirectory(prefix="cv-") as path:
        yield Path(path)
