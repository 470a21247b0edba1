"""POST /oauth/token: authenticate the client, check the grant, let it answer."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse

from oauth import binding, clients, grants, token_limits
from oauth.client_auth import client_of
from oauth.clients import Client
from oauth.errors import InvalidClient, InvalidRequest, UnauthorizedClient
from oauth.grants import TokenRequest
from oauth.http import answer_json, cross_origin, form_of, machine, note_client, tenant_of
from tenants.selectors import TenantRef


@cross_origin
@machine
def token(request: HttpRequest) -> HttpResponse:
    """RFC 6749 §3.2. Not shown to browsers of other origins; nothing of it is stored."""
    tenant = tenant_of(request)
    parameters = form_of(request)
    note_client(request, clients.find(tenant, parameters.get("client_id", "")))
    grant_type = parameters.get("grant_type", "")
    if not grant_type:
        raise InvalidRequest("grant_type is missing.")
    grant = grants.find(grant_type)
    if not grant.needs_client:
        confirmation = binding.at_token_endpoint(request, tenant, None)
        wanted = TokenRequest(tenant, grant_type, parameters, None, confirmation)
        return answer_json(grant.answer(wanted))
    client = _proved(request, tenant, parameters)
    note_client(request, client)
    token_limits.count(tenant, client)
    if not client.allows_grant(grant_type):
        raise UnauthorizedClient
    confirmation = binding.at_token_endpoint(request, tenant, client)
    return answer_json(grant.answer(TokenRequest(tenant, grant_type, parameters, client, confirmation)))


def _proved(request: HttpRequest, tenant: TenantRef, parameters: Mapping[str, str]) -> Client:
    try:
        return client_of(request, tenant, parameters)
    except InvalidClient:
        token_limits.count_failure(tenant)
        raise
