"""Authorization requests: where they come from, read and checked. No cookies, no pages.

An error found before client and redirect URI are certain is a page; after that it goes to the client,
always with `iss` and `state` (RFC 6749 §4.1.2.1, RFC 9207 §2).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from oauthlib.common import Request
from oauthlib.oauth2.rfc6749.errors import (
    FatalClientError,
    InvalidRedirectURIError,
    MismatchingRedirectURIError,
    OAuth2Error,
)

from core.errors import Problem
from oauth import (
    claims_request,
    clients,
    fapi,
    organization_switch,
    parameters,
    pushed_requests,
    redirects,
    request_objects,
    validator,
)
from oauth.catalogue import Target
from oauth.claims_request import ClaimsRequest
from oauth.clients import Client
from oauth.errors import (
    InvalidRequest,
    InvalidRequestUri,
    InvalidScope,
    InvalidTarget,
    OAuthError,
    RequestUriNotSupported,
    UnauthorizedClient,
    UnsupportedResponseType,
)
from tenants.selectors import TenantRef

CHECKED = {
    "client_id", "response_type", "redirect_uri", "scope", "state", "resource", "code_challenge",
    "code_challenge_method",
}  # fmt: skip
ONCE = ("client_id", "redirect_uri", "request", "request_uri")  # who is asked, and where an answer goes
_known = {
    kind.error: kind
    for kind in (InvalidRequest, InvalidScope, InvalidTarget, UnauthorizedClient, UnsupportedResponseType)
}


class BadAuthorizationRequest(Problem):
    code, status, simple = "authorization_request_invalid", 400, "invalid_request"
    title = "This sign-in request is not right"
    fix = "Go back to the application and start again. Its developer should check client_id and redirect_uri."


class ClientNotAdmitted(BadAuthorizationRequest):
    code = "client_not_admitted"
    title = "This application cannot sign anybody in here"
    fix = "It is unknown here, or was switched off or deleted. Ask its developer or the service's support."


class RedirectUriNotRegistered(BadAuthorizationRequest):
    code = "redirect_uri_not_registered"
    title = "The way back to this application is not registered"
    fix = "Go back to the application. Its developer should register this very redirect_uri, to the last character."


class Refused(Exception):
    """The client is told, by a redirect that was checked."""

    def __init__(self, error: OAuthError, redirect_uri: str, state: str, mode: str = "query") -> None:
        super().__init__(error.error)
        self.error, self.redirect_uri, self.state, self.mode = error, redirect_uri, state, mode


@dataclass(frozen=True)
class AuthorizationRequest:
    """A checked request. `front` is what the browser carries: the way back to this very request."""

    client: Client
    target: Target
    redirect_uri: str
    redirect_sent: bool
    code_challenge: str
    state: str = ""
    nonce: str = ""
    response_mode: str = "query"
    prompt: frozenset[str] = frozenset()
    max_age: int | None = None
    acr_values: tuple[str, ...] = ()
    claims: ClaimsRequest = claims_request.NOTHING
    login_hint: str = ""
    organization: str = ""  # our own parameter: see organization_switch
    id_token_hint: str = ""
    dpop_jkt: str = ""  # the key that must redeem the code (RFC 9449 §10)
    ui_locales: str = ""
    front: Mapping[str, str] = field(default_factory=dict)
    pushed_id: uuid.UUID | None = None

    def refuse(self, error: OAuthError) -> Refused:
        return Refused(error, self.redirect_uri, self.state, self.response_mode)


def read(
    tenant: TenantRef,
    values: Mapping[str, str],
    fault: OAuthError | None = None,
    *,
    is_started: bool = False,
) -> AuthorizationRequest:
    """Return the checked request of what `fold` found; `is_started` says that we sent it on before.

    Raises BadAuthorizationRequest or Refused.
    """
    client = clients.admitted(tenant, values.get("client_id", ""))
    if client is None:
        raise ClientNotAdmitted if "client_id" in values else BadAuthorizationRequest
    if values.get("request_uri", "").startswith(pushed_requests.PREFIX):
        return _pushed(tenant, client, values["request_uri"], is_started)
    given = _given(tenant, client, values)
    wanted = check(tenant, given, fault)
    if client.requires_pushed_requests:
        raise wanted.refuse(InvalidRequest("This client must push its requests (RFC 9126)."))
    if "request" not in values:
        return wanted
    return replace(wanted, front={"client_id": client.client_id, "request": values["request"]})


def fold(query: Any, *, but: str) -> tuple[dict[str, str], OAuthError | None]:
    """Return a QueryDict's values, each once and empty ones left out (RFC 6749 §3.1), and the first fault.

    `but` is a parameter of our own, which is none of the request's.

    Raises BadAuthorizationRequest for a fault in what says whom the request is from.
    """
    fault: OAuthError | None = None
    values = {}
    for name, found in query.lists():
        if name == but:
            continue
        if any("\x00" in value for value in found) or (len(found) > 1 and name in ONCE):
            raise BadAuthorizationRequest
        if len(set(found)) > 1 and name == "resource":
            fault = InvalidTarget("A token is for one resource: ask for each in a request of its own.")
        elif len(found) > 1 and name != "resource":
            fault = fault or InvalidRequest(f"{name[:40]} is given twice.")
        if found[-1]:
            values[name] = found[-1]
    return values, fault


def _pushed(tenant: TenantRef, client: Client, request_uri: str, is_started: bool) -> AuthorizationRequest:
    """RFC 9126 §4: the stored values only; the client must be the one that pushed them (threat O7)."""
    try:
        pushed = pushed_requests.load(client, request_uri, is_started=is_started)
    except InvalidRequestUri as error:
        raise BadAuthorizationRequest(error.detail) from None
    wanted = check(tenant, pushed.parameters)
    front = {"client_id": client.client_id, "request_uri": request_uri}
    return replace(wanted, front=front, pushed_id=pushed.id)


def _given(tenant: TenantRef, client: Client, values: Mapping[str, str]) -> Mapping[str, str]:
    """Return the parameters that count: those of the address, or of the request object alone."""
    try:
        if "request_uri" in values:
            raise RequestUriNotSupported
        if "request" in values:
            return request_objects.read(tenant, client, values["request"])
    except OAuthError as error:
        raise _refused_outside(client, values, error) from None
    return values


def _refused_outside(client: Client, values: Mapping[str, str], error: OAuthError) -> Exception:
    """Tell the client where the address names a redirect URI of its own, else the person."""
    uri = values.get("redirect_uri", "")
    if uri and redirects.is_registered(client, uri):
        return Refused(error, uri, values.get("state", "")[: parameters.LIMITS["state"]])
    return BadAuthorizationRequest(error.detail)


def check(
    tenant: TenantRef, values: Mapping[str, str], fault: OAuthError | None = None
) -> AuthorizationRequest:
    """Return the request that these parameters make; `fault` was found before and is told first.

    Raises BadAuthorizationRequest or Refused.
    """
    request = _request(tenant, values)
    try:
        validator.grant.validate_authorization_request(request)
        if fault is not None:
            raise fault
        return _rest(request, values)
    except (InvalidRedirectURIError, MismatchingRedirectURIError):
        raise RedirectUriNotRegistered from None
    except FatalClientError:
        raise BadAuthorizationRequest from None
    except (OAuth2Error, OAuthError) as error:
        known = error if isinstance(error, OAuthError) else _translate(error)
        mode = parameters.response_mode(values)
        raise Refused(known, request.redirect_uri, values.get("state", ""), mode) from None


class _Folded(Request):
    """oauthlib's request of parameters that were read before, each once: it would parse an address five times."""

    def __init__(self, tenant: TenantRef, given: Mapping[str, str]) -> None:
        super().__init__(f"{tenant.issuer}/oauth/authorize")
        self._params.update(given)
        self.tenant, self.uri_query_params = tenant, list(given.items())

    uri_query_params: list[tuple[str, str]] = []
    duplicate_params: tuple[str, ...] = ()


def _request(tenant: TenantRef, values: Mapping[str, str]) -> Any:
    """Return the request of the parameters that oauthlib checks."""
    return _Folded(tenant, {name: value for name, value in values.items() if name in CHECKED})


def _translate(error: OAuth2Error) -> OAuthError:
    return _known.get(error.error, InvalidRequest)(error.description or "")


def _rest(request: Any, values: Mapping[str, str]) -> AuthorizationRequest:
    """Check what oauthlib does not."""
    parameters.check(values)
    fapi.check_request(request.client, values)
    claims = claims_request.read(values.get("claims", ""), request.client)
    return AuthorizationRequest(
        client=request.client,
        target=request.target,
        redirect_uri=request.redirect_uri,
        redirect_sent="redirect_uri" in values,
        code_challenge=values["code_challenge"],
        state=values.get("state", ""),
        nonce=values.get("nonce", ""),
        response_mode=parameters.response_mode(values),
        prompt=parameters.prompt(values.get("prompt", "")),
        max_age=parameters.max_age(values.get("max_age"), request.client.default_max_age),
        organization=values.get(organization_switch.PARAMETER, ""),
        acr_values=claims.acr or tuple(values.get("acr_values", "").split()),
        claims=claims,
        login_hint=values.get("login_hint", ""),
        id_token_hint=values.get("id_token_hint", ""),
        ui_locales=values.get("ui_locales", ""),
        dpop_jkt=values.get("dpop_jkt", ""),
        front=values,
    )
