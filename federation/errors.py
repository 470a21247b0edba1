"""What can be wrong about connections, and the one answer to a sign-in by one that failed."""

from __future__ import annotations

from core.errors import Conflict, Problem


class NotTested(Conflict):
    code = "connection_not_tested"
    title = "This connection was not tested yet"
    fix = "Make a test sign-in with these settings first; it has to succeed."


class NobodyLeft(Conflict):
    code = "connection_without_exemption"
    title = "Nobody could get in if the provider failed"
    fix = "Exempt one member first, who then keeps methods of their own."


class DiscoveryFailed(Problem):
    code, status, simple = "discovery_failed", 400, "invalid_request"
    title = "The issuer's discovery document could not be used"
    fix = (
        "Give the issuer exactly as its provider writes it: a public https address that answers within"
        " 5 seconds and whose document names that very issuer and its endpoints."
    )


class LastWayIn(Conflict):
    code = "last_way_in"
    title = "This is your last way in"
    fix = "Without it you could not get in there any more. Add another way to sign in first."


class SsoFailed(Problem):
    """`check` is the word by which the connection's diagnostics name what was wrong."""

    code, status, simple = "sso_failed", 400, "unauthorized"
    title = "The sign-in by your provider did not work"
    fix = "Try again. If it fails again, tell the request id below to whoever looks after your organization's sign-in."

    def __init__(self, check: str, detail: str = "") -> None:
        super().__init__(detail)
        self.check = check


class SsoRequired(Problem):
    code, status, simple = "sso_required", 403, "forbidden"
    title = "Sign in with your organization here"
    fix = "This service takes only the sign-in of your organization's provider for this address."
