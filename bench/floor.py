"""The least that any answer costs here: a bare WSGI function, a bare Django view behind no middleware, and one
check of a password by the product's Argon2id.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

BODY = b'{"status":"ok"}'


def plain(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))])
    return [BODY]


def __getattr__(name: str) -> Any:
    """Return the applications `django` and `hash`, so that the bare function's process loads neither."""
    made = {"django": _django, "hash": _hash}
    if name not in made:
        raise AttributeError(name)
    return made[name]()


def _hash() -> Any:
    from argon2 import PasswordHasher

    from core.passwords import Argon2idHasher

    costs = {"time_cost": Argon2idHasher.time_cost, "memory_cost": Argon2idHasher.memory_cost}
    hasher = PasswordHasher(**costs, parallelism=Argon2idHasher.parallelism)
    stored = hasher.hash("a password of the demo")

    def check(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        hasher.verify(stored, "a password of the demo")
        return plain(environ, start_response)

    return check


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
