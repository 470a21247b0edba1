"""The access token of a request (RFC 6750 §2.1) and its challenge (§3)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from core.api.problems import challenge_for
from core.errors import Problem, TokenMissing
from oauth.http import answer_json
from tenants import bearer
from tenants.bearer import BearerToken
from tenants.selectors import TenantRef


def token_in(request: HttpRequest) -> str:
    """Return the bearer token of the Authorization header, empty where there is none.

    Tokens in an address are never read (RFC 9700 §4.3.2).
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def verified(request: HttpRequest, tenant: TenantRef) -> BearerToken:
    """Return the living token of a request. Raises TokenMissing and what tenants.bearer.verify raises."""
    token = token_in(request)
    if not token:
        raise TokenMissing
    return bearer.verify(token, tenant)


def refusal(problem: Problem) -> HttpResponse:
    """RFC 6750 §3: the error in the challenge, and the same in a short body."""
    error = {401: "invalid_token", 403: "insufficient_scope"}.get(problem.status, "invalid_request")
    response = answer_json({"error": error, "error_description": problem.detail}, problem.status)
    response.headers["WWW-Authenticate"] = (
        challenge_for(problem) or f'Bearer realm="claviger", error="{error}"'
    )
    return response
