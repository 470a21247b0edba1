"""POST /oauth/par: a client sends its authorization request ahead of the browser (RFC 9126)."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse

from oauth import authorization, binding, client_auth, dpop, pushed_requests, request_objects
from oauth.authorization import BadAuthorizationRequest, Refused
from oauth.clients import Client
from oauth.errors import InvalidDPoPProof, InvalidRequest
from oauth.http import answer_json, cross_origin, form_of, machine, note_client, tenant_of
from tenants.selectors import TenantRef

PROOFS = frozenset({"client_secret", "client_assertion", "client_assertion_type"})
LARGEST = 16_000  # characters of all parameters


@cross_origin
@machine
def par(request: HttpRequest) -> HttpResponse:
    """The client proves itself as at the token endpoint (§2)."""
    tenant = tenant_of(request)
    form = form_of(request)
    client = client_auth.client_of(request, tenant, form)
    note_client(request, client)
    parameters = _bound(request, tenant, client, _parameters(tenant, client, form))
    _check(tenant, parameters)
    request_uri = pushed_requests.store(client, parameters)
    return answer_json({"request_uri": request_uri, "expires_in": pushed_requests.LIFETIME}, 201)


def _parameters(tenant: TenantRef, client: Client, form: Mapping[str, str]) -> dict[str, str]:
    """Return what is stored: the parameters, or those of a request object alone (§3)."""
    if sum(len(name) + len(value) for name, value in form.items()) > LARGEST:
        raise InvalidRequest(f"The request is larger than {LARGEST} characters.")
    if "request_uri" in form:
        raise InvalidRequest("A request_uri cannot be pushed.")
    if form.get("client_id", client.client_id) != client.client_id:
        raise InvalidRequest("client_id differs from the client that proved itself.")
    if "request" in form:
        return request_objects.read(tenant, client, form["request"])
    given = {name: value for name, value in form.items() if name not in PROOFS}
    return {**given, "client_id": client.client_id}


def _bound(
    request: HttpRequest, tenant: TenantRef, client: Client, parameters: dict[str, str]
) -> dict[str, str]:
    """A proof sent along binds the code to its key, as dpop_jkt does (RFC 9449 §10.1)."""
    if not dpop.sent(request):
        return parameters
    key = binding.proven_key(request, tenant, client)
    if parameters.get("dpop_jkt", key) != key:
        raise InvalidDPoPProof("dpop_jkt names another key than the proof.")
    return {**parameters, "dpop_jkt": key}


def _check(tenant: TenantRef, parameters: Mapping[str, str]) -> None:
    """Refuse what the authorization endpoint would refuse (§2.1)."""
    try:
        authorization.check(tenant, parameters)
    except Refused as refused:
        raise refused.error from None
    except BadAuthorizationRequest:
        raise InvalidRequest("redirect_uri is missing or not one of this client's.") from None
