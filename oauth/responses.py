"""Authorization responses on their way to the client: in the query, or as a form that the browser posts.

Every one names its issuer (RFC 9207, threat O6); no fragment is ever used.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from oauth import redirects
from oauth.authorization import AuthorizationRequest, Refused
from tenants.selectors import TenantRef


def grant(
    request: HttpRequest, tenant: TenantRef, wanted: AuthorizationRequest, code: str, status: int
) -> HttpResponse:
    """RFC 6749 §4.1.2."""
    parameters = {"code": code, "state": wanted.state, "iss": tenant.issuer}
    return _send(request, wanted.response_mode, wanted.redirect_uri, parameters, status)


def refuse(request: HttpRequest, tenant: TenantRef, refused: Refused, status: int) -> HttpResponse:
    """RFC 6749 §4.1.2.1."""
    parameters = {
        "error": refused.error.error,
        "error_description": refused.error.detail,
        "state": refused.state,
        "iss": tenant.issuer,
    }
    return _send(request, refused.mode, refused.redirect_uri, parameters, status)


def _send(
    request: HttpRequest, mode: str, uri: str, parameters: Mapping[str, str], status: int
) -> HttpResponse:
    if mode == "form_post":
        return _post(request, uri, parameters)
    return redirects.send(uri, parameters, status)


def _post(request: HttpRequest, uri: str, parameters: Mapping[str, str]) -> HttpResponse:
    """OAuth 2.0 Form Post Response Mode §2: a page that posts itself, or by its button without script."""
    given = {name: value for name, value in parameters.items() if value}
    page = render(request, "oauth/form_post.html", {"action": uri, "parameters": given})
    page.headers["Cache-Control"] = "no-store"
    page._csp_update = {"form-action": [redirects.form_target(uri)]}  # type: ignore[attr-defined]
    return page
