"""POST /oauth/token: authenticate the client, check the grant, let it answer."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from oauth import binding, clients, grants
from oauth.client_auth import client_of
from oauth.errors import InvalidRequest, UnauthorizedClient
from oauth.grants import TokenRequest
from oauth.http import answer_json, cross_origin, form_of, machine, note_client, tenant_of


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
    client = client_of(request, tenant, parameters)
    note_client(request, client)
    if not client.allows_grant(grant_type):
        raise UnauthorizedClient
    confirmation = binding.at_token_endpoint(request, tenant, client)
    return answer_json(grant.answer(TokenRequest(tenant, grant_type, parameters, client, confirmation)))
