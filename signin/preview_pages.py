"""The preview of a branding draft: the real templates with the draft's values, shown to its editor (TEN-10).

It is framed by the dashboard in a sandbox without forms, and its own policy forbids them too: nothing here
signs anybody in.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from core.errors import NotFound
from mail import messages
from oauth import catalogue
from signin.errors import FlowExpired
from signin.forms import IdentifyForm, SecondFactorForm
from signin.hosted import Visit, hosted
from signin.pages import ways_of
from tenants import branding
from tenants.face import Face, dressed, face_of

SCREENS = {
    "sign_in": "signin/sign_in.html",
    "second_factor": "signin/second_factor.html",
    "stopped": "signin/stopped.html",
    "consent": "oauth/consent.html",
}
MAIL = "mail"


@require_safe
@hosted
def brand_preview(visit: Visit) -> HttpResponse:
    """Show one screen with a signed draft; without one there is nothing at this address."""
    asked = visit.request.GET
    draft = branding.read_draft(visit.slug, asked.get("draft", "")[:8000])
    screen, language = asked.get("screen", ""), asked.get("language", "")
    if visit.tenant is None or screen not in (*SCREENS, MAIL):
        raise NotFound
    if asked.get("appearance") in ("light", "dark"):
        visit.request.COOKIES["theme"] = asked["appearance"]
    face = dressed(face_of(visit.tenant.id), draft)
    spoken = language if language in dict(settings.LANGUAGES) else translation.get_language()
    with translation.override(spoken):
        return _mail(face) if screen == MAIL else _screen(visit, screen, face)


def _screen(visit: Visit, screen: str, face: Face) -> HttpResponse:
    made = {"sign_in": _sign_in, "second_factor": _second_factor, "stopped": _stopped, "consent": _consent}
    shown = made[screen](visit)
    response = render(visit.request, SCREENS[screen], visit.context(face, **shown))
    return _framed(response)


def _framed(response: HttpResponse, **policy: list[str]) -> HttpResponse:
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    shut = {"frame-ancestors": ["'self'"], "form-action": ["'none'"]}
    response._csp_replace = {**shut, **policy}  # type: ignore[attr-defined]
    return response


def _mail(face: Face) -> HttpResponse:
    """A mail brings its own style, as mail programs want it, and no script."""
    example = {"code": "123456", "link": "", "minutes": 10}
    response = HttpResponse(messages.preview(face, "sign_in_proof", example))
    return _framed(response, **{"style-src": ["'unsafe-inline'"], "script-src": ["'none'"]})


def _sign_in(visit: Visit) -> dict[str, Any]:
    return {"form": IdentifyForm(), "known": None, "notice": "", "continue_url": "", **ways_of(visit)}


def _second_factor(visit: Visit) -> dict[str, Any]:
    held = {"totp": True, "passkeys": True, "codes_left": True}
    return {"form": SecondFactorForm(), "email": "person@example.com", "held": held, "may_trust": True}


def _stopped(visit: Visit) -> dict[str, Any]:
    return {"problem": FlowExpired()}


def _consent(visit: Visit) -> dict[str, Any]:
    """What an application that stands for any would ask."""
    assert visit.tenant is not None
    sentences = {word: catalogue.describe(visit.tenant, word) for word in ("profile", "email")}
    return {
        "client": {"name": _("An application"), "is_vetted": True},
        "asked": [{"word": word, "sentence": text} for word, text in sentences.items()],
        "member": {"email": "person@example.com", "name": "", "subject": ""},
        "destination": "app.example.com",
    }
