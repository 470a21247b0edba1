"""The least that any answer costs here: a bare WSGI function, and a bare Django view behind no middleware."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

BODY = b'{"status":"ok"}'


def plain(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))])
    return [BODY]


def __getattr__(name: str) -> Any:
    """Return the Django application as `django`, so that the bare function's process loads no Django."""
    if name != "django":
        raise AttributeError(name)
    return _django()


def _django() -> Any:
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application
    from django.http import HttpRequest, HttpResponse
    from django.urls import path

    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(BODY, content_type="application/json")

    module = sys.modules[__name__]
    module.urlpatterns = [path("", view)]  # type: ignore[attr-defined]
    settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="bench", MIDDLEWARE=[])
    return get_wsgi_application()
