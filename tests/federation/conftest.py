from __future__ import annotations

import pytest

from core import remote_keys
from federation import discovery
from tests.factories import make_cast
from tests.federation.upstream import running


@pytest.fixture(scope="module")
def cast():
    return make_cast()


@pytest.fixture(scope="module")
def _upstream():
    with running() as found:
        yield found


@pytest.fixture
def upstream(_upstream):
    """The module's provider, well-behaved again and unknown to us."""
    _upstream.reset()
    remote_keys._fetched.clear()
    discovery._known.clear()
    return _upstream
