"""Which form an answer takes at which address: machines get JSON, people get pages."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from core.errors import InternalError, MalformedRequest, NoSuchPage, NotFound, Problem

PROBES = ("/health", "/ready", "/metrics")
MACHINE_PREFIXES = ("/v1", "/scim", "/.well-known")
PROTOCOL_PATHS = frozenset(
    f"/oauth/{name}"
    for name in (
        "token",
        "par",
        "revoke",
        "introspect",
        "userinfo",
        "register",
        "device/code",
        "bc-authorize",
    )
) | {"/oauth2/token", "/oauth2/userInfo", "/oauth2/revoke"}
_MACHINE_PATHS = PROTOCOL_PATHS.union(PROBES, MACHINE_PREFIXES)
_BENEATH = (*(f"{prefix}/" for prefix in MACHINE_PREFIXES), "/oauth/register/")


def is_probe(path: str) -> bool:
    return path in PROBES


def is_protocol(path: str) -> bool:
    """Whether errors here take the shape of RFC 6749 §5.2."""
    return path in PROTOCOL_PATHS or path.startswith("/oauth/register/")


def is_machine(path: str) -> bool:
    """Whether the caller is a program: no redirects, no pages, no CSRF."""
    return path in _MACHINE_PATHS or path.startswith(_BENEATH)


def refusal(request: HttpRequest, problem: Problem) -> HttpResponse:
    """Write a problem in the door's own form: OAuth error, problem document, or page."""
    if is_protocol(request.path_info):
        return oauth_error(problem)
    if is_machine(request.path_info):
        from core.api.problems import problem_response

        return problem_response(request, problem)
    return error_page(request, problem)


def oauth_error(problem: Problem) -> JsonResponse:
    """RFC 6749 §5.2: `{"error", "error_description"}`; server trouble keeps its status and Retry-After."""
    known = {
        400: "invalid_request",
        401: "invalid_client",
        403: "access_denied",
        413: "invalid_request",
        429: "temporarily_unavailable",
        503: "temporarily_unavailable",
    }
    error = problem.extra.get("oauth_error") or known.get(
        problem.status, "server_error" if problem.status >= 500 else "invalid_request"
    )
    response = JsonResponse({"error": error, "error_description": problem.detail}, status=problem.status)
    for name, value in ({"Cache-Control": "no-store", "Pragma": "no-cache"} | problem.headers).items():
        response.headers[name] = value
    return response


def error_page(request: HttpRequest, problem: Problem) -> HttpResponse:
    """A page with plain cause, what to do next, and the request id."""
    response = render(
        request,
        "errors/problem.html",
        {"problem": problem, "request_id": getattr(request, "request_id", "")},
        status=problem.status,
    )
    for name, value in problem.headers.items():
        response.headers[name] = value
    return response


def missing(request: HttpRequest, exception: Exception) -> HttpResponse:
    machine = is_machine(request.path_info)
    return refusal(request, NotFound() if machine else NoSuchPage())


def malformed(request: HttpRequest, exception: Exception) -> HttpResponse:
    return refusal(request, MalformedRequest())


def failed(request: HttpRequest) -> HttpResponse:
    return refusal(request, InternalError())


def problem_page(request: HttpRequest, code: str) -> HttpResponse:
    """The page behind each problem's `type`: what the code means and how to mend it."""
    kind = Problem.registry.get(code)
    if kind is None:
        return error_page(request, NotFound())
    return render(request, "errors/code.html", {"problem": kind})
