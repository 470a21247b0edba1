"""The content security policy of pages."""

from __future__ import annotations

from typing import Any

from csp.middleware import CSPMiddleware


class PagePolicyMiddleware(CSPMiddleware):
    """django-csp's policy, for pages alone: a redirect shows nothing and keeps the one that allows nothing."""

    def process_response(self, request: Any, response: Any) -> Any:
        return response if 300 <= response.status_code < 400 else super().process_response(request, response)
