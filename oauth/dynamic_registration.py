"""The client registration endpoint (RFC 7591 §3) and the client configuration endpoint (RFC 7592 §2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request

from core import outbound, ratelimit, secrets
from core.api import idempotency
from core.api.endpoint import Answer, Call, Operation
from core.api.parsing import JsonParser, read_json
from core.context import current
from core.errors import RateLimitExceeded
from core.urls import issuer, tenant_slug
from oauth import client_secrets, dynamic_clients, initial_access_tokens, registration_metadata
from oauth.client_auth import SECRET_PURPOSE
from oauth.clients import in_tenant
from oauth.dynamic_clients import SelfRegistered
from oauth.errors import InvalidClientMetadata, InvalidRequest, InvalidToken, OAuthError, WrongMethod
from oauth.http import answer_error, answer_json, tenant_of
from oauth.initial_access_tokens import Held
from oauth.models import Application
from tenants.selectors import TenantRef

# Registrations of one token, and attempts of one network, in a minute: uses, age and quota of a token are what holds
# registrations back (threat O10), and a token of 256 bits is not guessed; this keeps floods out.
PER_TOKEN = ratelimit.Limit("registration", 600)
PER_NETWORK = ratelimit.Limit("registration_attempts", 30_000)
FETCH = outbound.Limits(connect=3, total=3, max_bytes=64 * 1024)
SHOWN_ONCE = Operation(secrets=("client_secret", "registration_access_token"))
CONFIGURING = ("GET", "PUT", "DELETE")
# RFC 7592 §2.2: the server alone decides these.
NOT_TO_SEND = (
    "registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at",
)  # fmt: skip


def open_to_browsers(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Answer any browser origin: the credential is a token that a page must have been given, never a cookie."""

    @wraps(view)
    def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            preflight = request.method == "OPTIONS"
            response = HttpResponse(status=204) if preflight else view(request, *args, **kwargs)
        except InvalidToken as error:
            response = _challenge(request, error)
        except OAuthError as error:
            response = answer_error(error)
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Allow-Methods"] = "GET, POST, PUT, DELETE"
        response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type, Idempotency-Key"
        return response

    door.csrf_exempt = True  # type: ignore[attr-defined]
    return door


def _challenge(request: HttpRequest, error: InvalidToken) -> HttpResponse:
    """RFC 6750 §3.1: a request without any credential is told the scheme only."""
    response = answer_error(error)
    said = ', error="invalid_token"' if token_in(request) else ""
    response.headers["WWW-Authenticate"] = f'Bearer realm="claviger"{said}'
    return response


def token_in(request: HttpRequest) -> str:
    """Return the bearer token of the Authorization header, empty where there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


@open_to_browsers
def register(request: HttpRequest) -> HttpResponse:
    """RFC 7591 §3.1. At the bare origin the tenant is the token's; under an issuer they must agree."""
    if request.method != "POST":
        raise WrongMethod("POST")
    _count(f"network:{current().ip}", PER_NETWORK)
    held = initial_access_tokens.find(token_in(request))
    if held is None or tenant_slug(request) not in (None, held.tenant.slug):
        raise InvalidToken
    _count(f"{held.tenant.id}:{held.id}", PER_TOKEN)
    metadata = _body(request)
    try:
        check_sector(metadata)
        answer = idempotency.run(_call(request, held), lambda: _register(held, metadata))
    except OAuthError as error:
        dynamic_clients.record_refusal(held, error)
        raise
    response = answer_json(answer.body, answer.status)
    for name, value in answer.headers.items():
        response.headers[name] = value
    return response


def _register(held: Held, metadata: Mapping[str, Any]) -> Answer:
    made = dynamic_clients.register(held=held, metadata=metadata)
    return Answer(document(held.tenant, made), 201)


def _count(subject: str, limit: ratelimit.Limit) -> None:
    decision = ratelimit.hit(tenant="registration", subjects=[subject], limits=[limit])
    if not decision.allowed:
        raise RateLimitExceeded(headers=decision.headers())


def _body(request: HttpRequest) -> dict[str, Any]:
    if request.content_type != "application/json":
        raise InvalidRequest("Send application/json.")
    return read_json(request.body)


def _call(request: HttpRequest, held: Held) -> Call:
    """The request as the API's idempotency sees it: a retried registration spends one use (APP-05)."""
    return Call(Request(request, parsers=[JsonParser()]), SHOWN_ONCE, held.principal)


def check_sector(metadata: Mapping[str, Any]) -> None:
    """The document at `sector_identifier_uri` lists every redirect URI (OIDC Registration §5).

    Subjects are pairwise by tenant and member here, so that the sector changes nothing else.
    """
    uri, redirects = metadata.get("sector_identifier_uri"), metadata.get("redirect_uris")
    if uri is None:
        return
    try:
        answer = outbound.request(
            "GET", str(uri)[:2048], headers={"Accept": "application/json"}, limits=FETCH
        )
        listed = answer.json() if answer.status == 200 else None
    except outbound.OutboundError:
        listed = None
    if not isinstance(listed, list) or not isinstance(redirects, list):
        raise InvalidClientMetadata("sector_identifier_uri: a JSON array of redirect URIs must be there.")
    if any(redirect not in listed for redirect in redirects):
        raise InvalidClientMetadata("sector_identifier_uri: its document does not list every redirect URI.")


@open_to_browsers
def configuration(request: HttpRequest, client_id: str) -> HttpResponse:
    """RFC 7592 §2: the client reads, replaces or deletes its own registration."""
    if request.method not in CONFIGURING:
        raise WrongMethod(*CONFIGURING)
    _count(f"network:{current().ip}", PER_NETWORK)
    tenant, token = tenant_of(request), token_in(request)
    with in_tenant(tenant.id):
        row = dynamic_clients.find(client_id, token)
    if request.method == "GET":
        return answer_json(document(tenant, SelfRegistered(row, token)))
    if request.method == "PUT":
        return _replace(tenant, row, token, _body(request))
    with in_tenant(tenant.id):
        dynamic_clients.delete(tenant=tenant, application=dynamic_clients.find(client_id, token))
    return HttpResponse(status=204, headers={"Cache-Control": "no-store"})


def _replace(tenant: TenantRef, row: Application, token: str, metadata: dict[str, Any]) -> HttpResponse:
    if metadata.get("client_id") != row.client_id:
        raise InvalidRequest("client_id must be that of this client (RFC 7592 §2.2).")
    if sent := [name for name in NOT_TO_SEND if name in metadata]:
        raise InvalidRequest(f"{sent[0]} is not the client's to send (RFC 7592 §2.2).")
    check_sector(metadata)
    with in_tenant(tenant.id):
        _check_secret(row, metadata)
        known = dynamic_clients.find(row.client_id, token)
        changed = dynamic_clients.replace(tenant=tenant, application=known, metadata=metadata)
    return answer_json(document(tenant, changed))


def _check_secret(row: Application, metadata: Mapping[str, Any]) -> None:
    """A client may repeat its secret, never choose one."""
    if "client_secret" not in metadata:
        return
    sent = str(metadata["client_secret"])
    digests = client_secrets.secrets_of(row).values_list("digest", flat=True)
    if not any(secrets.matches(sent, digest, SECRET_PURPOSE) for digest in digests):
        raise InvalidClientMetadata("client_secret is not the present one: the server alone chooses it.")


def document(tenant: TenantRef, made: SelfRegistered) -> dict[str, Any]:
    """Return the client information response (RFC 7591 §3.2.1, RFC 7592 §3); a secret only when it is new."""
    body = registration_metadata.describe(made.application)
    if made.secret:
        body |= {"client_secret": made.secret, "client_secret_expires_at": 0}
    address = f"{issuer(tenant.slug)}/oauth/register/{made.application.client_id}"
    return body | {"registration_access_token": made.token, "registration_client_uri": address}
