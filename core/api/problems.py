"""RFC 9457 problem documents, and the challenges that go with 401 and 403 (RFC 6750 §3)."""

from __future__ import annotations

from typing import Any

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from rest_framework import exceptions

from core import ports
from core.errors import (
    FieldError,
    InsufficientScope,
    MalformedRequest,
    MethodNotAllowed,
    NotAcceptable,
    NotFound,
    Problem,
    StepUpRequired,
    TokenMissing,
    Unavailable,
    UnsupportedMediaType,
    ValidationFailed,
)
from core.middleware import as_problem
from core.principal import Principal
from core.redaction import redacted
from core.urls import tenant_slug

PROBLEM_JSON = "application/problem+json"
PROBLEM, UPPER, SIMPLE = "problem", "upper", "simple"  # the dialects of refusals (api-conventions §4)
log = structlog.get_logger(__name__)


def document(problem: Problem, *, instance: str, request_id: str) -> dict[str, Any]:
    """Return the problem document; `code` is the contract, the sentences may change.

    A credential that came in a path or as a name is not repeated: clients write refusals into their logs.
    """
    body: dict[str, Any] = {
        "type": f"{settings.ORIGIN}/errors/{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "code": problem.code,
        "detail": problem.detail,
        "instance": redacted(instance),
        "request_id": request_id,
        **problem.extra,
    }
    if problem.errors:
        body["errors"] = [{**vars(error), "pointer": redacted(error.pointer)} for error in problem.errors]
    if problem.retryable is not None:
        body["retryable"] = problem.retryable
    return body


def in_dialect(problem: Problem, dialect: str) -> dict[str, Any]:
    """Return a refusal in one of the other forms: the same code, or the nearest word of a short list."""
    if dialect == UPPER:
        return {"error": {"code": problem.upper, "message": problem.detail}}
    return {"code": problem.simple, "message": problem.detail}


def problem_response(request: HttpRequest, problem: Problem, caller: Principal | None = None) -> HttpResponse:
    """Write a refusal as the tenant's `/v1` speaks it; which tenant, the address or the caller says."""
    # While the database is away nobody waits a second time for it to say in which words.
    dialect = PROBLEM if isinstance(problem, Unavailable) else dialect_of(request, caller)
    if dialect == PROBLEM:
        request_id = getattr(request, "request_id", "")
        body = document(problem, instance=request.path_info, request_id=request_id)
        response = JsonResponse(body, status=problem.status, content_type=PROBLEM_JSON)
    else:
        response = JsonResponse(in_dialect(problem, dialect), status=problem.status)
    for name, value in problem.headers.items():
        response.headers[name] = value
    challenge = challenge_for(problem, resource_metadata(request))
    if challenge:
        response.headers["WWW-Authenticate"] = challenge
    return response


def dialect_of(request: HttpRequest, caller: Principal | None) -> str:
    """Return the tenant's dialect; the usual one at other addresses and while it cannot be looked up."""
    slug = tenant_slug(request) or (caller.tenant_slug if caller else None)
    if slug is None or not request.path_info.startswith("/v1/"):
        return PROBLEM
    try:
        return ports.dialects.of(slug)
    except Exception:
        log.warning("dialect_unknown", tenant=slug, exc_info=True)
        return PROBLEM


def resource_metadata(request: HttpRequest) -> str:
    """Return where the metadata of a tenant's own `/v1` stands (RFC 9728 §5.1); empty for other addresses."""
    slug = tenant_slug(request)
    if slug is None or not request.path_info.startswith("/v1/"):
        return ""
    return f"{settings.ORIGIN}/.well-known/oauth-protected-resource/t/{slug}/v1"


def challenge_for(problem: Problem, metadata: str = "") -> str:
    """Return the WWW-Authenticate value of a 401, or of 403 insufficient_scope; empty otherwise."""
    if problem.challenge:
        return problem.challenge
    if problem.status != 401 and not isinstance(problem, InsufficientScope):
        return ""
    parts = {"realm": "claviger"}
    if isinstance(problem, InsufficientScope):
        parts |= {"error": "insufficient_scope"}
        parts["scope"] = " ".join(problem.extra.get("required", {}).get("scopes", ()))
    elif isinstance(problem, StepUpRequired):
        parts |= {"error": "insufficient_user_authentication"}
        parts |= {key: str(problem.extra[key]) for key in ("acr_values", "max_age") if key in problem.extra}
    elif not isinstance(problem, TokenMissing):
        parts |= {"error": "invalid_token", "error_description": problem.title}
    if metadata or problem.extra.get("resource_metadata"):
        parts["resource_metadata"] = metadata or problem.extra["resource_metadata"]
    return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in parts.items())


def exception_handler(error: Exception, details: dict[str, Any]) -> HttpResponse:
    """DRF's exception hook: every exception becomes one problem document."""
    return problem_response(
        details["request"]._request, from_drf(error), getattr(details["view"], "caller", None)
    )


def from_drf(error: Exception) -> Problem:
    if isinstance(error, exceptions.ValidationError):
        return ValidationFailed(errors=flatten(error.get_full_details()))
    if isinstance(error, exceptions.MethodNotAllowed):
        return MethodNotAllowed()
    if isinstance(error, exceptions.NotAcceptable):
        return NotAcceptable()
    if isinstance(error, exceptions.UnsupportedMediaType):
        return UnsupportedMediaType()
    if isinstance(error, exceptions.ParseError):
        return MalformedRequest(str(error.detail))
    if isinstance(error, exceptions.NotFound) or type(error).__name__ == "Http404":
        return NotFound()
    return as_problem(error)


def flatten(details: Any, pointer: str = "") -> list[FieldError]:
    """Turn DRF's nested error details into JSON pointers (RFC 6901)."""
    if (
        isinstance(details, dict)
        and "message" in details
        and "code" in details
        and not isinstance(details["message"], (dict, list))
    ):
        return [FieldError(pointer or "/", str(details["code"]), sentence(details))]
    if isinstance(details, dict):
        pairs = [
            (f"{pointer}/{escape(str(key))}" if key != "non_field_errors" else pointer, value)
            for key, value in details.items()
        ]
    else:
        # A list is either the errors of one field or one entry per item of an array.
        indexed = any(isinstance(item, dict) and not {"message", "code"} <= item.keys() for item in details)
        pairs = [(f"{pointer}/{index}" if indexed else pointer, item) for index, item in enumerate(details)]
    return [error for path, value in pairs for error in flatten(value, path)]


def sentence(details: dict[str, Any]) -> str:
    """Return the message, without the input that DRF repeats: it may be a secret in the wrong field."""
    return (
        str(_("Is not one of the choices."))
        if details["code"] == "invalid_choice"
        else str(details["message"])
    )


def escape(token: str) -> str:
    return token.replace("~", "~0").replace("/", "~1")
