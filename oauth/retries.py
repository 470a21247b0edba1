"""Idempotency-Key at endpoints of clients, honoured when it is sent and never required (api-conventions §5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse

from core.api import idempotency
from core.api.endpoint import Answer, Call, Operation
from core.principal import Principal, SubjectType
from oauth.clients import Client
from oauth.http import answer_json
from tenants.selectors import TenantRef

PROOFS = frozenset({"client_secret", "client_assertion", "client_assertion_type"})


class Form:
    """A form as the API's idempotency sees a request; what proves the client is new with each retry."""

    def __init__(self, request: HttpRequest, parameters: Mapping[str, str]) -> None:
        self._request = request
        self.method, self.headers, self.query_params = request.method, request.headers, request.GET
        self.data = {name: value for name, value in parameters.items() if name not in PROOFS}


def once(
    request: HttpRequest,
    tenant: TenantRef,
    client: Client,
    parameters: Mapping[str, str],
    work: Callable[[], dict[str, Any]],
    *,
    secrets: tuple[str, ...],
) -> HttpResponse:
    """Answer with what `work` returns, or with what it returned to this client for this key before.

    `secrets` are members of the body that are shown once. Raises what the API raises for keys.
    """
    if "Idempotency-Key" not in request.headers:
        return answer_json(work())
    caller = Principal(
        subject_type=SubjectType.SERVICE,
        subject=client.client_id,
        tenant_id=tenant.id,
        tenant_slug=tenant.slug,
        mode=tenant.mode,
        client_id=client.client_id,
    )
    call = Call(Form(request, parameters), Operation(secrets=secrets), caller)  # type: ignore[arg-type]
    found = idempotency.run(call, lambda: Answer(work(), 200))
    response = answer_json(found.body, found.status)
    for name, value in found.headers.items():
        response.headers[name] = value
    return response
