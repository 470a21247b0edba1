"""The preview of a branding draft: the real templates with the draft's values, shown to its editor (TEN-10).

It is framed by the dashboard in a sandbox without forms, and its own policy forbids them too: nothing here
signs anybody in.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from core.errors import NotFound
from signin.errors import FlowExpired
from signin.forms import IdentifyForm
from signin.hosted import Visit, hosted
from signin.pages import ways_of
from tenants import branding


@require_safe
@hosted
def brand_preview(visit: Visit) -> HttpResponse:
    """Show one screen with a signed draft; without one there is nothing at this address."""
    draft = branding.read_draft(visit.slug, visit.request.GET.get("draft", "")[:8000])
    screens: dict[str, dict[str, Any]] = {
        "sign_in": {
            "form": IdentifyForm(),
            "known": None,
            "notice": "",
            "continue_url": "",
            **ways_of(visit),
        },
        "stopped": {"problem": FlowExpired()},
    }
    screen = visit.request.GET.get("screen", "")
    if screen not in screens:
        raise NotFound
    response = visit.render(screen, **screens[screen], branding=draft)
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    policy = {"frame-ancestors": ["'self'"], "form-action": ["'none'"]}
    response._csp_replace = policy  # type: ignore[attr-defined]
    return response
