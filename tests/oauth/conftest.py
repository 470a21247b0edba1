from __future__ import annotations

import pytest
from django.conf import settings

from tests.factories import make_cast


@pytest.fixture(scope="module")
def cast():
    return make_cast()


@pytest.fixture(autouse=True)
def _fake_sign_in(monkeypatch):
    monkeypatch.setattr(settings, "SIGNIN_BRIDGE", "tests.oauth.fake_bridge")
