"""The MCP Python SDK's client: from a 401 of an MCP server to a token for that server and no other."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import httpx
import httpx2
import pytest
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from pydantic import AnyUrl

from core import scope
from roles import resources
from tests.clients.conftest import REDIRECT
from tests.clients.mcp_server import McpServer
from tests.factories import make_principal
from tests.protocol.hosted_pages import HostedPages

SCOPE = "notes:read"


@dataclass
class Storage:
    """What a host application keeps between starts."""

    client: OAuthClientInformationFull | None
    tokens: OAuthToken | None = None
    changes: list[str] = field(default_factory=list)

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens
        self.changes.append(tokens.access_token)

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


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


def provider(made: Any, server: McpServer, storage: Storage) -> OAuthClientProvider:
    person = HostedPages(made.person, REDIRECT)
    answers: list[AuthorizationCodeResult] = []

    async def go(address: str) -> None:
        found = (await asyncio.to_thread(person.go, address)).parameters
        answers.append(AuthorizationCodeResult(code=found["code"], state=found["state"], iss=found["iss"]))

    async def come_back() -> AuthorizationCodeResult:
        return answers.pop()

    metadata = OAuthClientMetadata(redirect_uris=[AnyUrl(REDIRECT)], token_endpoint_auth_method="none")
    return OAuthClientProvider(server.address, metadata, storage, go, come_back)


def call(made: Any, server: McpServer, storage: Storage) -> int:
    async def ask() -> int:
        async with httpx2.AsyncClient(auth=provider(made, server, storage)) as client:
            message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
            headers = {"MCP-Protocol-Version": "2025-11-25"}
            return (await client.post(server.address, json=message, headers=headers)).status_code

    return asyncio.run(ask())


def known(made: Any) -> Storage:
    return Storage(
        OAuthClientInformationFull(
            client_id=made.client_id, redirect_uris=[AnyUrl(REDIRECT)], token_endpoint_auth_method="none"
        )
    )


def test_mcp_client_discovers_signs_in_and_calls(native, server):
    """MCP authorization: RFC 9728 by the 401, RFC 8414 by the issuer, PKCE, RFC 8707, RFC 9207."""
    storage = known(native)
    assert call(native, server, storage) == 200
    assert server.calls == [401, 200]
    assert server.subject == native.person.subject
    assert storage.tokens.scope.split() == [SCOPE, "offline_access"]


def test_mcp_client_renews_what_ran_out(native, server):
    storage = known(native)
    call(native, server, storage)
    first = storage.tokens.access_token
    storage.tokens = storage.tokens.model_copy(update={"access_token": "spent", "expires_in": -1})
    assert call(native, server, storage) == 200
    assert storage.tokens.access_token not in (first, "spent")


def test_token_for_the_mcp_server_opens_nothing_else(native, server, served, cast):
    """RFC 8707 §2, MCP: tokens are audience-bound."""
    storage = known(native)
    call(native, server, storage)
    bearer = {"Authorization": f"Bearer {storage.tokens.access_token}"}
    for tenant in (cast.acme, cast.globex):
        answer = httpx.get(f"{served.issuer(tenant)}/v1/members", headers=bearer)
        assert answer.status_code in (401, 403), answer.text


def test_resource_that_is_not_the_clients_is_refused(stage, server):
    """RFC 8707 §2: invalid_target goes to the client, which stops."""
    made = stage("native", scopes=["members:read"])
    with pytest.raises(KeyError):
        call(made, server, known(made))
