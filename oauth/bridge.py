"""The way up to the hosted sign-in: it stands above this app and is therefore bound by name in settings."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from django.conf import settings


@cache
def _module(name: str) -> Any:
    return import_module(name)


def bound() -> Any:
    """Return the module with `recognise(request)`, `signed_in(…)`, `begin(…)`, `sign_out(…)` and more."""
    return _module(settings.SIGNIN_BRIDGE)
