"""The dashboard at work: a key from its making to its end, and a webhook that is retried."""

from __future__ import annotations

from typing import Any

import httpx
from standardwebhooks import Webhook

from embedded.installation import Installation
from tests.e2e.receiver import Receiver
from tests.e2e.visitor import Visitor

CURRENT_KEY = "Nightly report"


def exchange(tenant: dict[str, Any], key: str) -> httpx.Response:
    """Do what a script of the customer's does with its key (KEY-05)."""
    return httpx.post(f"{tenant['api']}/auth/token", json={"grant_type": "api_key", "api_key": key})


def list_members(tenant: dict[str, Any], token: str) -> httpx.Response:
    return httpx.get(f"{tenant['api']}/members", headers={"Authorization": f"Bearer {token}"})


def enter(visitor: Visitor, tenant: dict[str, Any]) -> None:
    """Sign the owner in to the dashboard."""
    visitor.go(tenant["dashboard"])
    visitor.sign_in(tenant["owner"])
    visitor.heading("Overview")


def test_a_key_is_made_used_and_revoked_at_once(installation: Installation, visitor: Visitor) -> None:
    tenant = installation.demo["tenants"]["acme"]
    enter(visitor, tenant)
    visitor.look("dashboard")
    visitor.go(f"{tenant['dashboard']}api-keys")
    visitor.look("api-keys")
    key = make_key(visitor)
    token = exchange(tenant, key).raise_for_status().json()["access_token"]
    assert list_members(tenant, token).json()["data"]
    revoke(visitor)
    assert exchange(tenant, key).status_code == 401
    refused = list_members(tenant, token)
    assert (refused.status_code, refused.json()["code"]) == (401, "token_revoked")
    history_names(visitor, tenant, "api_key.revoked")


def make_key(visitor: Visitor) -> str:
    """Generate a key that reads members, and return it from the page that shows it once."""
    visitor.follow("Generate New Key")
    visitor.look("api-key-choose")
    visitor.page.get_by_role("radio").first.check()  # the control plane's own API comes first
    visitor.press("Continue")
    visitor.page.locator("input[name=name]").wait_for()
    visitor.look("api-key-new")
    visitor.page.locator("input[name=name]").fill(CURRENT_KEY)
    visitor.page.locator("input[value='members:read']").check()
    visitor.press("Generate key")
    visitor.heading("Your new key")
    visitor.look("api-key-issued")
    return visitor.page.locator("#secret").inner_text()


def revoke(visitor: Visitor) -> None:
    visitor.page.get_by_label("I have stored it in a safe place").check()
    visitor.press("Done")
    visitor.heading(CURRENT_KEY)
    visitor.look("api-key")
    visitor.page.locator("#revoke summary").click()
    visitor.fill("Reason", "The report has moved")
    visitor.page.locator("#revoke-confirm").fill(CURRENT_KEY)
    visitor.press("Revoke key", within=visitor.page.locator("#revoke form"))
    visitor.sees("revoked")


def history_names(visitor: Visitor, tenant: dict[str, Any], event: str) -> None:
    """Expect the event in the audit log, with who did it, from where and in which request."""
    visitor.go(f"{tenant['dashboard']}audit")
    visitor.look("audit")
    visitor.follow(event)
    visitor.look("audit-entry")
    body = visitor.page.locator("main").inner_text()
    for expected in ("sub_", "req_", "127.0.0.1"):
        assert expected in body, f"the audit entry does not name {expected}"


def test_a_webhook_is_signed_retried_and_shown_with_both_attempts(
    installation: Installation, visitor: Visitor, receiver: Receiver
) -> None:
    tenant = installation.demo["tenants"]["acme"]
    enter(visitor, tenant)
    secret = register(visitor, tenant, receiver.address)
    add_member(tenant)
    first, second = receiver.wait_for(2)[:2]
    assert (first.status, second.status) == (503, 204)
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    told = Webhook(secret).verify(second.body, second.headers)
    assert told["type"] == "user.created"
    visitor.go(f"{tenant['dashboard']}webhooks")
    visitor.look("webhooks")
    visitor.follow(receiver.address, exact=False)
    visitor.look("webhook")
    visitor.follow("Deliveries", exact=False)
    visitor.look("webhook-deliveries")
    visitor.follow("user.created", exact=False)
    visitor.look("webhook-delivery")
    attempts = visitor.page.locator(".timeline__item")
    assert attempts.count() == 2
    assert "503" in attempts.last.inner_text() or "503" in attempts.first.inner_text()


def register(visitor: Visitor, tenant: dict[str, Any], address: str) -> str:
    """Add the endpoint in the dashboard and return the secret that is shown once."""
    visitor.go(f"{tenant['dashboard']}webhooks/new")
    visitor.look("webhook-new")
    visitor.page.locator("input[name=url]").fill(address)
    family = visitor.page.locator("details", has=visitor.page.locator("input[value='user.created']"))
    family.locator("summary").click()
    family.locator("input[value='user.created']").check()
    visitor.press("Add endpoint")
    visitor.heading("Signing secret")
    visitor.look("webhook-secret")
    return visitor.page.locator("#secret").inner_text()


def add_member(tenant: dict[str, Any]) -> None:
    answer = httpx.post(
        f"{tenant['api']}/members",
        headers={"X-API-Key": tenant["api_keys"]["admin"]},
        json={"email": "wanda@webhook.example", "name": "Wanda Webhook"},
    )
    answer.raise_for_status()
