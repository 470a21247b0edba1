"""The language switch of hosted pages and portal: a form that works without script."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from core import languages
from core.pages import safe_next

START = "/account/"


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Keep the language in this browser and go back; one that is not ours changes nothing."""
    back = safe_next(request.POST.get("back", ""), START)
    response = HttpResponse(status=303, headers={"Location": back})
    language = request.POST.get("language", "")
    if language in dict(settings.LANGUAGES):
        languages.remember(response, language)
    return response
