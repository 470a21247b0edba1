"""oidc-client-ts in Chromium: a public client of another origin, over CORS, as browsers really do it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from embedded.installation import Installation
from tests.clients import npm
from tests.e2e.single_page import SinglePage
from tests.e2e.visitor import Visitor

LIBRARY = "node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js"


@pytest.fixture(scope="module")
def site(installation: Installation) -> Iterator[SinglePage]:
    with SinglePage(npm.installed() / LIBRARY) as running:
        added = installation.manage(
            "demo",
            *("--redirect-uri", f"{running.origin}/callback"),
            *("--post-logout-redirect-uri", f"{running.origin}/"),
            *("--origin", running.origin),
        )
        assert added.returncode == 0, added.stderr
        tenant = installation.demo["tenants"]["acme"]
        running.settings = {
            "authority": tenant["issuer"],
            "client_id": tenant["applications"]["spa"]["client_id"],
        }
        yield running


def said(visitor: Visitor) -> Any:
    return json.loads(visitor.page.locator("#said").inner_text())


def test_signs_in_renews_revokes_and_leaves(
    installation: Installation, site: SinglePage, visitor: Visitor
) -> None:
    member = installation.demo["tenants"]["acme"]["member"]
    visitor.go(site.origin)
    visitor.press("Sign in")
    visitor.sign_in(member)
    visitor.press("Allow")
    visitor.heading("Signed in")
    first = said(visitor)
    assert first["email"] == member["email"]
    visitor.press("Renew")
    visitor.heading("Renewed")
    renewed = said(visitor)
    assert renewed["sub"] == first["sub"]
    assert renewed["access"] != first["access"]
    assert renewed["refresh"] != first["refresh"], "public clients rotate"
    visitor.press("Revoke")
    visitor.heading("Revoked")
    visitor.press("Sign out")
    visitor.heading("Signed out")


def test_origin_that_is_not_listed_reads_nothing(site: SinglePage, visitor: Visitor) -> None:
    """OAU-26: the library of a page elsewhere gets no answer from the token endpoint."""
    with SinglePage(site.library) as stranger:
        stranger.settings = site.settings
        visitor.go(stranger.origin)
        answer = visitor.page.evaluate(
            "(address) => fetch(address, {method: 'POST', body: new URLSearchParams({grant_type: 'x'})})"
            ".then(() => 'read', () => 'refused')",
            f"{site.settings['authority']}/oauth/token",
        )
    assert answer == "refused"
    visitor.problems.clear()  # the browser complains about the refusal, as it should
