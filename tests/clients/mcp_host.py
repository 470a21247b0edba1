"""A host application of the MCP project's own Python client."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import httpx2
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from pydantic import AnyUrl

from tests.clients.conftest import REDIRECT
from tests.clients.mcp_server import McpServer
from tests.protocol.hosted_pages import HostedPages


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
