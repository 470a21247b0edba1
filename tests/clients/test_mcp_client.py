"""The MCP Python SDK's client: from a 401 of an MCP server to a token for that server and no other."""

from __future__ import annotations

import httpx
import pytest

from core import scope
from roles import resources
from tests.clients.mcp_server import McpServer
from tests.factories import make_principal

SCOPE = "notes:read"


@pytest.fixture(scope="module")
def host():
    """The client, loaded by whoever needs it: it costs a second, in every process that reads the tests."""
    from tests.clients import mcp_host

    return mcp_host


@pytest.fixture
def server(cast, served):
    with McpServer(served.issuer(cast.acme), SCOPE) as running:
        actor = make_principal(cast.acme)
        with scope.tenant(cast.acme.id):
            row = resources.create_resource(actor=actor, name="Notes", audience=running.address)
            resources.create_scope(actor=actor, resource=row, value=SCOPE, description="Read your notes")
        yield running


@pytest.fixture
def native(stage, server):
    """A host application that is registered beforehand, without a secret."""
    return stage("native", scopes=[SCOPE, "offline_access"], resources=[server.address])


def test_mcp_client_discovers_signs_in_and_calls(host, native, server):
    """MCP authorization: RFC 9728 by the 401, RFC 8414 by the issuer, PKCE, RFC 8707, RFC 9207."""
    storage = host.known(native)
    assert host.call(native, server, storage) == 200
    assert server.calls == [401, 200]
    assert server.subject == native.person.subject
    assert storage.tokens.scope.split() == [SCOPE, "offline_access"]


def test_mcp_client_renews_what_ran_out(host, native, server):
    storage = host.known(native)
    host.call(native, server, storage)
    first = storage.tokens.access_token
    storage.tokens = storage.tokens.model_copy(update={"access_token": "spent", "expires_in": -1})
    assert host.call(native, server, storage) == 200
    assert storage.tokens.access_token not in (first, "spent")


def test_token_for_the_mcp_server_opens_nothing_else(host, native, server, served, cast):
    """RFC 8707 §2, MCP: tokens are audience-bound."""
    storage = host.known(native)
    host.call(native, server, storage)
    bearer = {"Authorization": f"Bearer {storage.tokens.access_token}"}
    for tenant in (cast.acme, cast.globex):
        answer = httpx.get(f"{served.issuer(tenant)}/v1/members", headers=bearer)
        assert answer.status_code in (401, 403), answer.text


def test_resource_that_is_not_the_clients_is_refused(host, stage, server):
    """RFC 8707 §2: invalid_target goes to the client, which stops."""
    made = stage("native", scopes=["members:read"])
    with pytest.raises(KeyError):
        host.call(made, server, host.known(made))
