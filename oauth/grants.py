"""The grants of the token endpoint: a registry by grant type, each an adapter around one policy.

Extension grants of apps below this one are named here and imported on first use; an app that is not
there leaves its grant unsupported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from oauth.clients import Client
from oauth.errors import UnsupportedGrantType
from tenants.selectors import TenantRef

AUTHORIZATION_CODE = "authorization_code"
REFRESH_TOKEN = "refresh_token"
CLIENT_CREDENTIALS = "client_credentials"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
API_KEY = "urn:claviger:params:oauth:grant-type:api_key"


@dataclass(frozen=True)
class TokenRequest:
    """A request at the token endpoint; `client` is None for grants whose credential is the grant itself.

    `confirmation` is what its tokens are bound to (oauth.binding): a grant hands it to whoever mints.
    """

    tenant: TenantRef
    grant_type: str
    parameters: Mapping[str, str]
    client: Client | None = None
    confirmation: Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str:
        return self.parameters.get(name, "")

    @property
    def caller(self) -> Client:
        assert self.client is not None, "this grant needs an authenticated client"
        return self.client


Answer = dict[str, Any]


@dataclass(frozen=True)
class Grant:
    """`answer` raises OAuthError. `needs_client` is False where no client takes part."""

    type: str
    answer: Callable[[TokenRequest], Answer]
    needs_client: bool = True


_grants: dict[str, Grant] = {}
_modules = {
    AUTHORIZATION_CODE: "oauth.code_grant",
    REFRESH_TOKEN: "oauth.refresh_grant",
    CLIENT_CREDENTIALS: "oauth.service_grant",
    DEVICE_CODE: "oauth.device_grant",
    TOKEN_EXCHANGE: "oauth.exchange_grant",
    API_KEY: "oauth.key_grant",
}
_needs = {API_KEY: "apikeys.exchange"}


def register(
    grant_type: str, *, needs_client: bool = True
) -> Callable[..., Callable[[TokenRequest], Answer]]:
    """Offer a function as a grant; also for apps above this one, from their AppConfig.ready()."""

    def decorate(function: Callable[[TokenRequest], Answer]) -> Callable[[TokenRequest], Answer]:
        _grants[grant_type] = Grant(grant_type, function, needs_client)
        return function

    return decorate


def find(grant_type: str) -> Grant:
    """Return the grant of this type; raises UnsupportedGrantType."""
    if grant_type not in _grants and grant_type in offered():
        import_module(_modules[grant_type])
    grant = _grants.get(grant_type)
    if grant is None:
        raise UnsupportedGrantType
    return grant


def offered() -> list[str]:
    """Return the grant types that discovery lists."""
    built_in = [name for name in _modules if name not in _needs or find_spec(_needs[name]) is not None]
    return [*built_in, *(name for name in _grants if name not in _modules)]
