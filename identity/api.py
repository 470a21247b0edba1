"""The door for the person's own tokens: addresses at the bare origin that reach over tenants (C28).

Everything else of `/v1` belongs to one tenant and refuses these tokens; these addresses refuse every
tenant's credential, in the order of checks that holds everywhere (AZ-07).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn, cast

from django.conf import settings
from django.http import HttpResponse
from rest_framework.request import Request

from core import context, ports
from core.api import denials, quota
from core.api.endpoint import Call, Endpoint, Operation, check_version, query_of, validated
from core.api.fields import Body
from core.errors import AmbiguousCredentials, InsufficientScope, Problem, TenantMismatch, WrongTokenType
from core.principal import Principal, SubjectType
from core.urls import tenant_slug
from identity import services, tokens
from identity.tokens import TokenHolder


@dataclass(frozen=True)
class AccountCaller:
    """A person over all tenants, with what the door asks of any caller: whose quota, cursors and keys these are."""

    holder: TokenHolder
    mode: ClassVar[str] = ""
    subject_type: ClassVar[SubjectType] = SubjectType.USER
    organization_id: ClassVar[None] = None
    key_id: ClassVar[None] = None

    @property
    def tenant_id(self) -> uuid.UUID:
        return self.holder.account_id

    @property
    def subject(self) -> str:
        return services.public_id(self.holder.account_id)

    @property
    def credential(self) -> str:
        return str(self.holder.token_id)


class AccountEndpoint(Endpoint):
    """Base of the addresses that take a person's own token; its methods open their scopes themselves."""

    def perform(
        self, spec: Operation, function: Callable[..., Any], request: Request, path: dict[str, Any]
    ) -> HttpResponse:
        self.spec = spec
        check_version(request)
        caller = cast("Principal", _caller(request, spec))
        self.limits = quota.spend(spec, caller, request)
        call = Call(request, spec, caller, self.read_path(path))
        call.query = validated(spec.query or Body, query_of(request))
        call.body = self.read_body(spec, request)
        with context.refine(idempotency_key=request.headers.get("Idempotency-Key", "")[:255]):
            return self.answer(spec, self.work(function, call), call)


def holder(call: Call) -> TokenHolder:
    """Return the person who calls."""
    return cast("AccountCaller", call.caller).holder


def carries_account_token(request: Request) -> bool:
    return tokens.is_account_token(_bearer(request))


def _bearer(request: Request) -> str:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""


def _caller(request: Request, spec: Operation) -> AccountCaller:
    text = _bearer(request)
    if not tokens.is_account_token(text):
        _refuse_tenants_credential(request)
    if "X-API-Key" in request.headers:
        raise AmbiguousCredentials
    found = tokens.holder_of(text)
    if tenant_slug(request._request) is not None:
        raise TenantMismatch(f"The token belongs to no tenant. Call {settings.ORIGIN}/v1/….")
    if spec.scope and spec.scope not in found.scopes:
        raise InsufficientScope(f"{spec.scope} is needed.", required={"scopes": [spec.scope]})
    return AccountCaller(found)


def _refuse_tenants_credential(request: Request) -> NoReturn:
    """Refuse what is no account token: as missing or bad if it is that, else as the wrong kind."""
    caller = ports.principals.resolve(request._request)
    slug = tenant_slug(request._request)
    try:
        if slug is not None and slug != caller.tenant_slug:
            raise TenantMismatch
        raise WrongTokenType(
            f"A token of your account is needed: make one at {settings.ORIGIN}/account/tokens."
        )
    except Problem as problem:
        denials.report(caller, problem)
        raise
