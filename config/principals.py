"""Composition of the principal resolvers named in settings."""

from __future__ import annotations

from functools import cache

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string

from core.errors import TokenMissing
from core.principal import Principal


@cache
def _resolvers() -> list:
    return [import_string(path) for path in settings.PRINCIPAL_RESOLVERS]


def resolve(request: HttpRequest) -> Principal:
    """Return the caller by the first resolver that knows the credential; raises TokenMissing or its error."""
    for resolver in _resolvers():
        principal: Principal | None = resolver(request)
        if principal is not None:
            return principal
    raise TokenMissing
