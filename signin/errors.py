"""What can stop a sign-in. Each page says the cause, what to do next and the request id (AUT-20)."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.errors import Problem

if TYPE_CHECKING:
    from signin.challenge import Challenge


MINUTE, HOUR = 60, 3600
LONGEST_WAIT = 86_400  # seconds that anybody is told to wait


class TooManyAttempts(Problem):
    code, status, simple, retryable = "too_many_attempts", 429, "rate_limit_exceeded", True
    title = "Too many attempts"
    fix = "Wait a little and try again."

    def __init__(self, seconds: int, *, password: bool = False) -> None:
        """`password`: it was guesses at a password that were counted, so a new one by mail is a way out."""
        self.seconds = min(seconds, LONGEST_WAIT)
        words = waiting(seconds)
        if seconds > LONGEST_WAIT:
            words = _("Choose a new password by mail, or use a device on which you signed in before.")
        elif password:
            words = f"{words} {_('Or choose a new password by mail.')}"
        super().__init__(words, headers={"Retry-After": str(self.seconds)})


def waiting(seconds: int) -> str:
    """Say how long to wait, in the largest unit that leaves a number people can use."""
    if seconds < 2 * MINUTE:
        words = ngettext("Try again in %(count)s second.", "Try again in %(count)s seconds.", seconds)
        return words % {"count": seconds}
    if seconds < 2 * HOUR:
        return _("Try again in %(count)s minutes.") % {"count": ceil(seconds / MINUTE)}
    return _("Try again in %(count)s hours.") % {"count": ceil(seconds / HOUR)}


class ChallengeRequired(Problem):
    """`offered` is what the form carries when it is shown again."""

    code, status, simple, retryable = "challenge_required", 400, "invalid_request", True
    title = "One more step"
    fix = "Wait for a moment and send the form once more: that keeps programs out."

    def __init__(self, offered: Challenge) -> None:
        super().__init__()
        self.offered = offered


class FlowExpired(Problem):
    code, status, simple = "flow_expired", 410, "not_found"
    title = "This page is out of date"
    fix = "The sign-in it belongs to was finished or left too long. Start again."


class OtherBrowser(Problem):
    code, status, simple = "other_browser", 403, "forbidden"
    title = "This was begun in another browser"
    fix = (
        "For your safety a sign-in goes on only where it began. Go back to that browser and type the code"
        " from the mail there, or start again here."
    )


class WrongCredentials(Problem):
    code, status, simple = "wrong_credentials", 400, "unauthorized"
    title = "The address or the password is not right"
    fix = "Check both, or choose a new password by mail."


class WrongCode(Problem):
    code, status, simple = "wrong_code", 400, "invalid_request"
    title = "This code is not right"
    fix = "Type the six digits of the newest message; older ones no longer work."


class CodeExpired(WrongCode):
    code = "code_expired"
    title = "This code or link has run out"
    fix = "Ask for a new one below; it comes at once."


class CodeExhausted(Problem):
    code, status, simple = "code_exhausted", 410, "not_found"
    title = "The code was tried too often"
    fix = "Start again: a new code will be sent."


class MethodDisabled(Problem):
    code, status, simple = "method_disabled", 403, "forbidden"
    title = "This way to sign in is not open here"
    fix = "Go back and choose one of the ways that the page offers."


class LinkInvalid(Problem):
    code, status, simple = "link_invalid", 410, "not_found"
    title = "This link no longer works"
    fix = "It was used, is too old, or a newer one was sent. Ask for a new one."


class SignUpClosed(Problem):
    code, status, simple = "sign_up_closed", 403, "forbidden"
    title = "Sign-up is by invitation here"
    fix = "Ask the person who runs this service to invite the address you want to use."


class TenantSuspended(Problem):
    code, status, simple = "tenant_suspended", 403, "forbidden"
    title = "This service is suspended"
    fix = "Nobody can sign in for now. Ask the service's support."


class UnknownTenant(Problem):
    code, status, simple = "unknown_tenant", 404, "not_found"
    title = "There is no such service here"
    fix = "Check the address; it may have a typing error."


class WalletUnknown(Problem):
    code, status, simple = "wallet_unknown", 400, "unauthorized"
    title = "This wallet is linked to no account"
    fix = "Sign in another way and link it at your account's page first."
