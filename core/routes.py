"""Which view answers an address: found once for each, since the patterns never change while a process lives.

Trying the patterns one after the other costs a form of the hosted pages more than its checks do.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.core.handlers.wsgi import WSGIHandler
from django.urls import ResolverMatch, get_resolver
from django.utils import translation


@lru_cache(maxsize=4096)
def resolve(path: str) -> ResolverMatch:
    """Return the view of a path; raises Http404."""
    return get_resolver().resolve(path)


class PageHandler(WSGIHandler):
    """Django's own, with our memory of addresses. A page's language ends with it: programs are answered in one."""

    def get_response(self, request: Any) -> Any:
        try:
            return super().get_response(request)
        finally:
            translation.deactivate()

    def resolve_request(self, request: Any) -> ResolverMatch:
        request.resolver_match = resolve(request.path_info)
        found: ResolverMatch = request.resolver_match
        return found
