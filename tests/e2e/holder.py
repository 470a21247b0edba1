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

# Counts how often a page has asked the browser for a passkey.
COUNTED = """window.passkeysAsked = 0
if (navigator.credentials) {
  const get = navigator.credentials.get.bind(navigator.credentials)
  navigator.credentials.get = (...all) => { window.passkeysAsked += 1; return get(...all) }
}"""


class Holder:
    """A visitor whose browser has an authenticator in it."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor
        visitor.context.add_init_script(COUNTED)
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

    def wait_for_autofill(self) -> None:
        """Wait until the page asks for a passkey by itself: a person who is ready before would be in by that."""
        self.visitor.page.wait_for_function("window.passkeysAsked > 0")

    def ready(self, present: bool) -> None:
        """Let the person touch the authenticator, or keep them from it."""
        asked = {"authenticatorId": self.device, "enabled": present}
        self.devtools.send("WebAuthn.setAutomaticPresenceSimulation", asked)
