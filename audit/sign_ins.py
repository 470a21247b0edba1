"""Why did this sign-in fail (ANC-19): the steps of one person or one request, in words, from the tenant's own events.

Nothing of other tenants is asked: events and members are those of the open scope, and what failed under an address
that is nobody's here is found by its request id only. Each look is itself recorded.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from audit.selectors import entries
from core import ids, ports
from core.principal import Principal
from events.models import Event
from events.selectors import Search, envelope
from events.services import emit
from federation.words import CHECKS
from tenants.pagekit import Viewer, asked, plain, posted, show
from tenants.selectors import members

FAMILIES = [
    "signin.*",
    "sso.*",
    "signup.*",
    "mfa.*",
    "risk.*",
    "recovery.*",
    "session.*",
    "oauth.*",
    "consent.*",
]
FAILED = {
    "signin.failed", "signin.blocked", "signup.blocked", "recovery.denied", "sso.assertion.rejected",
    "sso.connection.test_failed",
}  # fmt: skip
MOST = 50
RISKS = {
    "new_device": gettext_noop("The device was new."),
    "impossible_travel": gettext_noop("%(kilometres)s km since the sign-in before, %(minutes)s minutes ago."),
    "password_breached": gettext_noop("The password is known from leaks."),
    "disposable_mail": gettext_noop("The address is of a provider of throw-away ones."),
    "mailed_code": gettext_noop("The person typed the code that was mailed to them."),
}
DONE = {
    "notify": gettext_noop("Let in, and the person was told."),
    "step_up": gettext_noop("A further proof was asked for."),
    "block": gettext_noop("Nobody was let in, and the person was told."),
}
WORDS = {
    "wrong_credentials": gettext_noop("The password was not the one of this address."),
    "wrong_code": gettext_noop(
        "The code that was typed was not the newest one, or the link was an older one."
    ),
    "wrong_signature": gettext_noop("The wallet's signature did not fit the message."),
    "wallet_unknown": gettext_noop("The wallet is linked to no account."),
    "link_invalid": gettext_noop("The link was used already, too old, or replaced by a newer one."),
    "policy": gettext_noop("The tenant's policy lets nobody sign up with this address."),
    "account_network": gettext_noop("Many tries for one address from one network: further ones must wait."),
    "account_device": gettext_noop("Many tries on a known device: further ones must wait."),
    "account": gettext_noop("Very many tries for one address from many networks: unknown devices must wait."),
    "network": gettext_noop("Very many tries from one network: all of its further ones must wait."),
    "account_ever": gettext_noop(
        "Seventy wrong passwords since the person last got in: unknown devices need a new password by mail."
    ),
    "account_devices_ever": gettext_noop(
        "Thirty wrong passwords on known devices since the person last got in: a new one is needed, by mail."
    ),
    "disposable_mail": gettext_noop(
        "The address is of a provider of throw-away ones, which the policy refuses."
    ),
    "challenge": gettext_noop("The form asked the browser for some work, and that was not done."),
    "new_device": gettext_noop("The device was new, and the policy lets no new device in."),
    "impossible_travel": gettext_noop(
        "Nobody travels that far in that time, and the policy lets no such sign-in in."
    ),
    "password_breached": gettext_noop(
        "The password was right but is known from leaks, and the policy asks for a new one first."
    ),
    "wrong_factor": gettext_noop("The second factor was not right."),
    "idle": gettext_noop("The session ended because nobody used it."),
    "expired": gettext_noop("The session reached its longest life."),
    "signed_out": gettext_noop("The person signed out."),
    "forced": gettext_noop("An administrator ended the session."),
}


class TraceForm(forms.Form):
    about = forms.CharField(
        label=gettext_lazy("E-mail address or request id"),
        max_length=254,
        help_text=gettext_lazy("A request id (req_…) stands on every page that refuses."),
    )


def trace(*, actor: Principal, about: str) -> list[dict[str, Any]]:
    """Return the newest steps (at most 50) of a person or a request, and record the look.

    `about` is an e-mail address, a member's id or a request id. Raises what `authority.require` raises.
    """
    ports.authority.require(actor, "audit:read")
    by_request = about.startswith("req_")
    rows = _of_request(about) if by_request else _of_person(about)
    emit(
        "audit.sign_ins_traced",
        actor=actor.actor,
        organization_id=actor.organization_id,
        object={
            "id": ids.encode("trc", ids.uuid7()),
            "object": "sign_in_trace",
            "by": "request" if by_request else "person",
            "entries": len(rows),
        },
        personal={"about": about},
    )
    return [_step(row) for row in rows]


def _of_request(request_id: str) -> list[Event]:
    return list(entries(Search(request_id=request_id, types=FAMILIES)).order_by("-id")[:MOST])


def _of_person(about: str) -> list[Event]:
    known = members().filter(email_search=about.casefold()) | members().filter(subject=about)
    subjects = list(known.values_list("subject", flat=True)[:5])
    if not subjects:
        return []
    found = entries(Search(types=FAMILIES))
    return list(found.filter(actor_id__in=subjects).order_by("-id")[:MOST])


def _step(row: Event) -> dict[str, Any]:
    whole = envelope(row)
    data = whole["data"]
    told, context = data["object"], data["context"]
    return {
        "at": row.created_at,
        "action": row.type,
        "failed": row.type in FAILED,
        "words": _words(row.type, told),
        "method": told.get("method", ""),
        "acr": told.get("acr", ""),
        "ip": context.get("ip", ""),
        "agent": context.get("user_agent", ""),
        "request_id": row.request_id,
        "id": whole["id"],
    }


def _words(name: str, told: dict[str, Any]) -> str:
    why = told.get("reason", "")
    if name.startswith("risk."):
        return _risk(told)
    if name.startswith("sso."):
        return str(CHECKS.get(why, why))
    return _(WORDS[why]) if why in WORDS else str(why)


def _risk(told: dict[str, Any]) -> str:
    """Say what looked wrong and what was done about it."""
    why, done = told["reason"], told.get("action", "")
    words = _(RISKS[why]) % told if why in RISKS else why
    return f"{words} {_(DONE[done])}" if done in DONE else words


def sign_ins(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Ask for an address or a request id. A POST, so that addresses stay out of logs, and the look is an act."""
    form = TraceForm(posted(request), initial={"about": asked(request, "about")})
    steps = None
    if form.is_valid():
        about = plain(form.cleaned_data["about"], 254)
        steps = trace(actor=viewer.principal, about=about)
        for step in steps:
            step["url"] = viewer.url("audit", step["id"])
    return show(request, "audit/sign_ins.html", form, form=form, steps=steps)


ROUTES = [("sign-ins", sign_ins, "audit:read")]
