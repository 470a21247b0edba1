"""The dashboard's test sign-in to an application: it starts a real one and shows what comes back, decoded."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse

from oauth import try_it
from oauth.applications import tenant_ref
from oauth.errors import OAuthError
from oauth.models import Application
from oauth.token_pages import SECTION, read
from roles.permissions import Permission
from tenants.pagekit import Viewer, see_other, show

COOKIE = "try_it"


def application_try(request: HttpRequest, viewer: Viewer, application_id: str) -> HttpResponse:
    """POST begins a test sign-in; the browser comes back with a code, which is redeemed and shown decoded."""
    row = read(application_id)
    return _begin(request, viewer, row) if request.method == "POST" else _finish(request, viewer, row)


def _begin(request: HttpRequest, viewer: Viewer, row: Application) -> HttpResponse:
    tenant = tenant_ref()
    if hindrance := try_it.hindrance(tenant, row):
        messages.error(request, hindrance)
        return see_other(viewer.url(SECTION, row.public_id))
    target, mark = try_it.begin(tenant, row)
    response = see_other(target)
    response.set_cookie(
        COOKIE,
        mark,
        max_age=try_it.LONGEST,
        path=viewer.url(SECTION),
        httponly=True,
        secure=settings.SECURE,
        samesite="Lax",
    )
    return response


def _finish(request: HttpRequest, viewer: Viewer, row: Application) -> HttpResponse:
    context: dict[str, Any] = {"application": row, "application_url": viewer.url(SECTION, row.public_id)}
    try:
        tried = try_it.finish(tenant_ref(), row, request.COOKIES.get(COOKIE, ""), request.GET)
    except OAuthError as error:
        page = show(request, "oauth/try_it.html", status=400, fault=error.detail, **context)
    else:
        page = show(request, "oauth/try_it.html", tried=tried, **context)
    page.delete_cookie(COOKIE, path=viewer.url(SECTION), samesite="Lax")
    return page


ROUTES = [(f"{SECTION}/<str:application_id>/try", application_try, Permission.APPLICATIONS_WRITE)]
