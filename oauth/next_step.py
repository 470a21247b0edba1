"""What an authorization request needs next: a sign-in, a consent, or nothing. A rule without rows or pages."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from identity import assurance
from oauth.authorization import AuthorizationRequest
from oauth.claims_request import SCOPES
from oauth.consents import NONE, Allowed
from oauth.errors import ConsentRequired, LoginRequired, UnmetAuthenticationRequirements

CHOOSING = ("select_account", "create")  # satisfied by having been asked


@dataclass(frozen=True)
class Present:
    """Whoever is signed in."""

    subject: str
    auth_time: datetime
    acr: str


@dataclass(frozen=True)
class Asking:
    """What we know around the request. `subjects` are those that hints name.

    `asked_at` is when this request last sent the person to sign in: an authentication since then satisfies
    prompt and max_age. `offered` are the acr values that people can reach here.
    """

    now: datetime
    subjects: Collection[str] = ()
    allowed: Allowed = NONE
    asked_at: datetime | None = None
    offered: Collection[str] = ()
    must_prove: bool = False  # the organization that is asked for does not accept the sign-in at hand


@dataclass(frozen=True)
class Step:
    """What comes next: "sign-in" (with `prompt`, `acr_values`), "consent" (to scopes, claims) or "issue"."""

    name: str
    scopes: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    prompt: str = ""
    acr_values: tuple[str, ...] = ()


def next_step(wanted: AuthorizationRequest, present: Present | None, asking: Asking) -> Step:
    """Decide. Raises LoginRequired or ConsentRequired under prompt=none, UnmetAuthenticationRequirements."""
    silent = "none" in wanted.prompt
    step = _sign_in(wanted, present, asking)
    if step is not None:
        if silent:
            raise LoginRequired
        return step
    scopes, claims = to_consent(wanted, asking.allowed)
    if not scopes and not claims:
        return Step("issue")
    if silent:
        raise ConsentRequired
    return Step("consent", scopes, claims)


def _sign_in(wanted: AuthorizationRequest, present: Present | None, asking: Asking) -> Step | None:
    """Return the sign-in that is needed, None where the one at hand will do (threat O15)."""
    levels = _levels(wanted, present, asking)
    prompt = _prompt(wanted, present, asking)
    if prompt is None and not levels:
        return None
    return Step("sign-in", prompt=prompt or "", acr_values=levels)


def _prompt(wanted: AuthorizationRequest, present: Present | None, asking: Asking) -> str | None:
    fresh = _is_fresh(present, asking)
    if "login" in wanted.prompt and not fresh:
        return "login"
    for word in CHOOSING:
        if word in wanted.prompt and asking.asked_at is None:
            return word
    if present is None:
        return ""
    if asking.must_prove:
        return "login"
    if any(subject != present.subject for subject in asking.subjects):
        if fresh:  # asked, and somebody else came: asking again would go on for ever
            raise LoginRequired("Somebody else signed in than the request is about.")
        return "login"
    too_old = wanted.max_age is not None and (asking.now - present.auth_time).total_seconds() > wanted.max_age
    return "login" if too_old and not fresh else None


def _is_fresh(present: Present | None, asking: Asking) -> bool:
    return present is not None and asking.asked_at is not None and present.auth_time >= asking.asked_at


def _levels(wanted: AuthorizationRequest, present: Present | None, asking: Asking) -> tuple[str, ...]:
    """Return the acr values to sign in at, in the client's order; empty where none is needed or in reach.

    A voluntary wish that cannot be met is passed over (OIDC Core §3.1.2.1); an essential one is an error.
    """
    essential = wanted.claims.essential_acr
    levels = essential or wanted.acr_values
    if present is not None and any(assurance.satisfies(present.acr, level) for level in levels):
        return ()
    within = tuple(level for level in levels if level in asking.offered)
    if essential and (not within or _is_fresh(present, asking)):
        raise UnmetAuthenticationRequirements
    return () if _is_fresh(present, asking) else within


def to_consent(wanted: AuthorizationRequest, allowed: Allowed) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return scopes and single claims to ask for: the new part (OAU-06).

    It is all of them under prompt=consent, and for a client that nobody of the tenant has vetted (O9).
    """
    if wanted.client.is_first_party:
        return (), ()
    scopes, claims = wanted.target.scopes, _single_claims(wanted)
    if "consent" in wanted.prompt or not wanted.client.is_vetted:
        return scopes, claims
    known = {*allowed.scopes, *allowed.declined}
    covered = {*allowed.claims, *allowed.declined}
    new = tuple(scope for scope in scopes if scope not in known)
    if not new and not any(scope in allowed.scopes for scope in scopes):
        new = scopes  # all was declined before: ask again, for there is nothing to give
    return new, tuple(claim for claim in claims if claim not in covered)


def _single_claims(wanted: AuthorizationRequest) -> tuple[str, ...]:
    """The requested claims that no requested scope brings with it."""
    return tuple(name for name in wanted.claims.names if SCOPES[name] not in wanted.target.scopes)
