"""Public clients as they are published, against a server in a process of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.clients import npm
from tests.factories import Person, make_cast
from tests.oauth.helpers import register
from tests.protocol.hosted_pages import HostedPages

REDIRECT = "http://localhost:8999/callback"
AFTER = "http://localhost:8999/"


@pytest.fixture(scope="module")
def cast():
    return make_cast()


@dataclass
class Stage:
    """What a client is given: its registration, the issuer, and a person with a browser."""

    issuer: str
    client_id: str
    client_secret: str
    person: Person
    browser: HostedPages
    tenant: Any

    redirect_uri: str = REDIRECT
    after: str = AFTER

    def given(self, **more: Any) -> dict[str, Any]:
        names = ("issuer", "client_id", "client_secret", "redirect_uri", "after")
        return {name: getattr(self, name) for name in names} | more


@pytest.fixture
def stage(cast, served):
    """Make a stage with an application of these settings."""

    def make(type: str = "web", **settings: Any) -> Stage:
        if type != "machine":
            settings.setdefault("redirect_uris", [REDIRECT])
            settings.setdefault("post_logout_redirect_uris", [AFTER])
        made = register(cast.acme, type, **settings)
        return Stage(
            served.issuer(cast.acme), made.application.client_id, made.secret, cast.member,
            HostedPages(cast.member, REDIRECT), cast.acme,
        )  # fmt: skip

    return make


@pytest.fixture(scope="session")
def node_clients():
    """Where the npm clients and our scripts for them lie; skips out loud where they cannot be had."""
    return npm.installed()
