"""A visitor with an authenticator in their browser (WebAuthn's automation over the DevTools protocol)."""

from __future__ import annotations

from typing import Any

from tests.e2e.visitor import Visitor

DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


class Holder:
    """A visitor whose browser has an authenticator in it."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor
        self.devtools = visitor.context.new_cdp_session(visitor.page)
        self.devtools.send("WebAuthn.enable")
        made = self.devtools.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
        self.device = made["authenticatorId"]

    def credentials(self) -> list[dict[str, Any]]:
        found = self.devtools.send("WebAuthn.getCredentials", {"authenticatorId": self.device})
        return list(found["credentials"])

    def take(self, credential: dict[str, Any]) -> None:
        """Put a passkey into the authenticator, as `WebAuthn.addCredential` wants it."""
        added = {"authenticatorId": self.device, "credential": credential}
        self.devtools.send("WebAuthn.addCredential", added)

    def ready(self, present: bool) -> None:
        """Let the person touch the authenticator, or keep them from it."""
        asked = {"authenticatorId": self.device, "enabled": present}
        self.devtools.send("WebAuthn.setAutomaticPresenceSimulation", asked)
