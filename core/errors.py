"""Errors as values: one family, one stable code each (RFC 9457 problem details at the API's edge).

A service raises a `Problem`; the door that called it (API, page, command) writes it in its own form.
`code` is the contract. `title` and `detail` are sentences for people: what is wrong and what to do next.
Each app declares its own codes in `<app>/errors.py` by subclassing; the registry collects them for the
error pages and the OpenAPI document.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class FieldError:
    """One invalid input: `pointer` is a JSON pointer into the body, or the parameter's name."""

    pointer: str
    code: str
    detail: str


class Problem(Exception):
    """Base of every refusal that a caller may see."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong on our side"
    fix: ClassVar[str] = "Try again; if it keeps happening, tell support the request id."
    simple: ClassVar[str] = "server_error"
    retryable: ClassVar[bool | None] = None
    challenge: str = ""  # a WWW-Authenticate value of its own; empty for the usual one
    registry: ClassVar[dict[str, type[Problem]]] = {}

    def __init__(
        self,
        detail: str = "",
        *,
        errors: Iterable[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.fix
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.extra = extra

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "code" in cls.__dict__:
            known = Problem.registry.setdefault(cls.code, cls)
            if known.__qualname__ != cls.__qualname__:
                raise TypeError(f"two problems share the code {cls.code}")

    @property
    def upper(self) -> str:
        return self.code.upper()


Problem.registry[Problem.code] = Problem


class InternalError(Problem):
    pass


class Unavailable(Problem):
    code, status, simple, retryable = "unavailable", 503, "server_error", True
    title = "The service is briefly unavailable"
    fix = "Try again after the number of seconds in Retry-After."

    def __init__(self, detail: str = "", **extra: Any) -> None:
        extra.setdefault("headers", {"Retry-After": "2"})
        super().__init__(detail, **extra)


class TokenMissing(Problem):
    code, status, simple = "token_missing", 401, "unauthorized"
    title = "No credential was sent"
    fix = "Send an access token or an API key in the Authorization header."


class TokenInvalid(Problem):
    code, status, simple = "token_invalid", 401, "unauthorized"
    title = "The credential is not valid here"
    fix = "Check signature, issuer and audience, or get a new token from this tenant's issuer."


class TokenExpired(Problem):
    code, status, simple = "token_expired", 401, "token_expired"
    title = "The credential has expired"
    fix = "Refresh the token, exchange the key again, or rotate the key."


class TokenRevoked(Problem):
    code, status, simple = "token_revoked", 401, "unauthorized"
    title = "The credential was revoked"
    fix = "Sign in again or use a key that is still active."


class StepUpRequired(Problem):
    code, status, simple = "step_up_required", 401, "unauthorized"
    title = "A fresher or stronger sign-in is needed"
    fix = "Send the person through authorization again with the acr_values and max_age given."


class WrongTokenType(Problem):
    code, status, simple = "wrong_token_type", 403, "forbidden"
    title = "This kind of token is not accepted here"
    fix = "Send an access token (typ at+jwt), not an ID token or another kind."


class InsufficientScope(Problem):
    code, status, simple = "insufficient_scope", 403, "forbidden"
    title = "The token lacks a required scope"
    fix = "Ask for the scopes named in `required`."


class InsufficientRole(Problem):
    code, status, simple = "insufficient_role", 403, "forbidden"
    title = "The caller's roles do not allow this"
    fix = "Ask an administrator for a role with the permission named in `required`."


class TenantMismatch(Problem):
    code, status, simple = "tenant_mismatch", 403, "org_mismatch"
    title = "The credential belongs to another tenant"
    fix = "Use a credential of the tenant that the address names."


class OrgMismatch(Problem):
    code, status, simple = "org_mismatch", 403, "org_mismatch"
    title = "The credential belongs to another organization"
    fix = "Use a credential of the organization that the address names."


class SubjectTypeNotAllowed(Problem):
    code, status, simple = "subject_type_not_allowed", 403, "forbidden"
    title = "This kind of caller may not do this"
    fix = "Call with a credential of the kind named in `required`."


class HttpsRequired(Problem):
    code, status, simple = "https_required", 400, "invalid_request"
    title = "This address takes https only"
    fix = "Call again over https and rotate the credential: it crossed the network in clear."


class PolicyDenied(Problem):
    code, status, simple = "policy_denied", 403, "forbidden"
    title = "A policy of the tenant forbids this"
    fix = "Read the policy that `detail` names, or ask an administrator."


class SubjectSuspended(Problem):
    code, status, simple = "subject_suspended", 403, "forbidden"
    title = "This account is suspended in this tenant"
    fix = "Ask the tenant's support to reactivate it."


class NotFound(Problem):
    code, status, simple = "not_found", 404, "not_found"
    title = "There is nothing at this address"
    fix = "Check the id; it may have been deleted or belong elsewhere."


class Gone(Problem):
    code, status, simple = "gone", 410, "not_found"
    title = "This is no longer available"
    fix = "Ask for a new one."


class MethodNotAllowed(Problem):
    code, status, simple = "method_not_allowed", 405, "invalid_request"
    title = "This address does not take that method"
    fix = "Use one of the methods in the Allow header."


class NoSuchPage(NotFound):
    """The same where no page is, in words for people."""

    title = "There is nothing at this address"
    fix = "The page was moved or removed, or the address has a typing error."


class OnlyForms(MethodNotAllowed):
    """The same at a page's address, in words for people."""

    title = "There is nothing to see at this address"
    fix = "It only takes forms of our own pages. Go back, or begin at the start page."


class NotAcceptable(Problem):
    code, status, simple = "not_acceptable", 406, "invalid_request"
    title = "No form that you accept is offered here"
    fix = "Send Accept: application/json."


class UnsupportedMediaType(Problem):
    code, status, simple = "unsupported_media_type", 415, "invalid_request"
    title = "The body's media type is not taken here"
    fix = "Send Content-Type: application/json."


class PayloadTooLarge(Problem):
    code, status, simple = "payload_too_large", 413, "invalid_request"
    title = "The body is too large"
    fix = "Send less at once."


class MalformedRequest(Problem):
    code, status, simple = "malformed_request", 400, "invalid_request"
    title = "The request cannot be read"
    fix = "Send one well-formed JSON object in UTF-8."


class ValidationFailed(Problem):
    code, status, simple = "validation_failed", 400, "invalid_request"
    title = "Some of the input is not valid"
    fix = "Mend the fields listed in `errors` and send the request again."


class AmbiguousCredentials(Problem):
    code, status, simple = "ambiguous_credentials", 400, "invalid_request"
    title = "Two different credentials were sent"
    fix = "Send exactly one credential, in one header."


class CursorMismatch(Problem):
    code, status, simple = "cursor_mismatch", 400, "invalid_request"
    title = "The cursor does not belong to this list"
    fix = "Start again without a cursor when filters, order or caller change."


class Conflict(Problem):
    code, status, simple = "conflict", 409, "conflict"
    title = "The change conflicts with the present state"
    fix = "Read the object again, then decide."


class PreconditionFailed(Problem):
    code, status, simple = "precondition_failed", 412, "conflict"
    title = "The object has changed since you read it"
    fix = "Read it again and repeat the change with the new ETag."


class PreconditionRequired(Problem):
    code, status, simple = "precondition_required", 428, "invalid_request"
    title = "This change needs If-Match"
    fix = "Read the object and send its ETag in If-Match."


class IdempotencyKeyMissing(Problem):
    code, status, simple = "idempotency_key_missing", 400, "invalid_request"
    title = "This operation needs an Idempotency-Key"
    fix = "Send a fresh Idempotency-Key header, and the same one on each retry."


class IdempotencyInProgress(Problem):
    code, status, simple, retryable = "idempotency_in_progress", 409, "conflict", True
    title = "The first request with this key is still running"
    fix = "Retry after a second with the same key."


class IdempotencyKeyReused(Problem):
    code, status, simple = "idempotency_key_reused", 422, "invalid_request"
    title = "This Idempotency-Key was used for another request"
    fix = "Use a new key for each intended operation."


class RateLimitExceeded(Problem):
    code, status, simple, retryable = "rate_limit_exceeded", 429, "rate_limit_exceeded", True
    title = "Too many requests"
    fix = "Wait for the number of seconds in Retry-After."


class QuotaExceeded(Problem):
    code, status, simple, retryable = "quota_exceeded", 429, "rate_limit_exceeded", False
    title = "The plan's quota is used up"
    fix = "Wait for the next period or change the plan."
