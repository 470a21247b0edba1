"""A worker that meets a dead connection has its pools looked at, and the error still tells."""

from __future__ import annotations

from unittest import mock

import pytest
from django.db import OperationalError

from core import pools


def test_R8_a_lost_connection_has_the_pools_looked_at() -> None:
    with mock.patch("core.pools.heal") as heal, pytest.raises(OperationalError), pools.healing():
        raise OperationalError("server closed the connection unexpectedly")
    heal.assert_called_once()


def test_R8_another_error_has_nothing_to_do_with_pools() -> None:
    with mock.patch("core.pools.heal") as heal, pytest.raises(ValueError, match="else"), pools.healing():
        raise ValueError("something else")
    heal.assert_not_called()
