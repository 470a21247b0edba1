"""Probes: `/health` says the process answers, `/ready` that it can serve, `/metrics` is for operators."""

from __future__ import annotations

import hmac
import time

from django.conf import settings
from django.db import connections
from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from core import doors
from core.errors import NotFound

UNSAFE_ROLE = """
SELECT rolsuper OR rolbypassrls OR EXISTS (
    SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relowner = r.oid)
FROM pg_roles r WHERE rolname = current_user
"""
UNSAFE = "unsafe_role"
_checked_role: bool | None = None


def health(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": "ok", "version": settings.VERSION})


def ready(request: HttpRequest) -> HttpResponse:
    """200 when the database answers as a role that row-level security binds, else 503.

    The cache is reported, not required: without it we go on with stricter limits (promise R6).
    """
    checks = {"database": database(), "cache": cache()}
    able = checks["database"] == "ok"
    return JsonResponse(
        {"status": "ok" if able else "unavailable", "checks": checks}, status=200 if able else 503
    )


def database() -> str:
    try:
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT 1")
        return UNSAFE if role_is_unsafe() else "ok"
    except Exception:  # noqa: BLE001 — a probe reports, whatever went wrong
        return "unavailable"


def role_is_unsafe() -> bool:
    """Whether the runtime role owns tables, is superuser or bypasses row-level security."""
    global _checked_role
    if _checked_role is None:
        with connections["default"].cursor() as cursor:
            cursor.execute(UNSAFE_ROLE)
            _checked_role = bool(cursor.fetchone()[0])
    return _checked_role


def cache() -> str:
    from core import valkey

    started = time.monotonic()
    try:
        valkey.client().ping()
    except Exception:  # noqa: BLE001 — a probe reports, whatever went wrong
        return "unavailable"
    return "ok" if time.monotonic() - started < 0.5 else "slow"


def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text for operators: bearer METRICS_TOKEN; without one configured the page does not exist."""
    sent = request.headers.get("Authorization", "").removeprefix("Bearer ")
    expected = settings.METRICS_TOKEN
    if not expected or not hmac.compare_digest(sent.encode(), expected.encode()):
        return doors.refusal(request, NotFound())
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)
