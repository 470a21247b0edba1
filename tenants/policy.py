"""A tenant's policy: typed defaults over the JSON that the tenant's row keeps (decisions C4, C8, C18, C19).

Times are seconds. Where an organization has a say, security demands take the stricter value and time
limits take the organization's value within the tenant's cap (ORG-16).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from core.errors import FieldError, ValidationFailed
from identity import methods
from identity.emails import InvalidAddress, canonical_domain

DAY = 86_400
# Each is at most the other.
LIMITED = {
    "session_idle": "session_idle_cap",
    "access_token_lifetime": "access_token_lifetime_max",
    "id_token_lifetime": "id_token_lifetime_max",
    "refresh_lifetime": "refresh_lifetime_max",
}
RISK_ACTIONS = ("off", "notify", "step_up", "block")
CHALLENGE_TIMES = ("off", "after_failures", "always")


@dataclass(frozen=True)
class TenantPolicy:
    sign_up: str = "open"  # open · invite · domain
    sign_up_domains: tuple[str, ...] = ()
    terms_version: str = ""  # of the terms that members accept before they go on; empty: nobody is asked
    sign_in_methods: tuple[str, ...] = methods.DEFAULT  # an organization may narrow it (AUT-12)
    password_min_length: int = 8  # beside a second factor; a sole one has 15 at least, whatever this says
    password_classes: bool = False  # the preset "12 with four classes"
    session_idle: int = 3600
    session_idle_cap: int = 8 * 3600
    session_absolute: int = DAY
    session_remember: int = 30 * DAY
    access_token_lifetime: int = 600
    access_token_lifetime_max: int = 3600  # what applications and API resources may choose at most
    id_token_lifetime: int = 3600
    id_token_lifetime_max: int = DAY
    refresh_lifetime: int = 30 * DAY
    refresh_lifetime_max: int = 365 * DAY
    key_token_lifetime: int = 3600
    key_max_lifetime: int = 0  # 0 = no cap
    key_never_allowed: bool = True
    key_exchange_only: bool = False
    signing_key_days: int = 90  # how long a signing key signs; 0 = until somebody rotates it
    member_factor: str = "any"  # any · second_factor · passkey (identity.assurance.DEMANDS)
    admin_mfa_required: bool = True
    admin_passkey_required: bool = False
    trusted_browser_days: int = 30  # how long a browser may stand for the second factor; 0 = never
    legacy_oauth_paths: bool = True
    dpop_nonce_required: bool = False  # every DPoP proof carries a nonce of ours (RFC 9449 §8)

    # What a sign-in that looks wrong leads to (ANC-23): off · notify · step_up · block.
    risk_new_device: str = "notify"
    risk_impossible_travel: str = "step_up"
    risk_password_breached: str = "notify"
    risk_disposable_mail: str = "off"  # at sign-up; step_up there is work for the browser
    # When a form asks a browser for some work first: off · after_failures · always.
    challenge_sign_in: str = "after_failures"
    challenge_sign_up: str = "after_failures"
    challenge_recovery: str = "after_failures"
    challenge_after: int = 3  # failures of one account; of one network five times as many
    challenge_bits: int = 16  # 2 to this power hashes are tried on average; a phone does a million a second

    # Clients whose id is the address of their metadata: off · auto (any in test tenants, off in live ones) ·
    # listed (of these hosts) · any.
    client_documents: str = "auto"
    client_document_hosts: tuple[str, ...] = ()

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> TenantPolicy:
        """Return the policy of a stored JSON object; unknown names are ignored, missing ones default."""
        names = {field.name for field in fields(cls)}
        known = {name: value for name, value in stored.items() if name in names}
        for name in ("sign_up_domains", "sign_in_methods", "client_document_hosts"):
            if name in known:
                known[name] = tuple(known[name])
        return cls(**known)

    def faults(self, changed: Collection[str]) -> list[FieldError]:
        """Return what is wrong with the values that were changed: a life that is longer than its limit."""
        found = []
        for value, limit in LIMITED.items():
            if not {value, limit}.isdisjoint(changed) and getattr(self, value) > getattr(self, limit):
                at, other = (value, "at most") if value in changed else (limit, "at least")
                bound = getattr(self, limit if value in changed else value)
                found.append(FieldError(f"/{at}", "out_of_bounds", f"Must be {other} {said(bound)}."))
        return found

    def methods_for(self, organization_policy: Mapping[str, Any] | None) -> frozenset[str]:
        """Return the ways to sign in to an organization: those that both allow (AUT-12, ORG-16)."""
        asked = (organization_policy or {}).get("sign_in_methods")
        mine = frozenset(self.sign_in_methods)
        return mine if asked is None else mine.intersection(asked)

    def risk_action(self, kind: str) -> str:
        """Return what is done about a signal: off, notify, step_up or block. One without a setting blocks."""
        return str(getattr(self, f"risk_{kind}", "block"))

    def stops(self, raised: Iterable[str]) -> bool:
        """Whether a session of which this looked wrong, unanswered, does not do here without a further proof."""
        return any(self.risk_action(kind) in ("step_up", "block") for kind in raised)

    def idle_for(self, organization_policy: Mapping[str, Any] | None) -> int:
        """Return the idle limit for a session active in an organization: its value, up to our cap (SES-01)."""
        asked = (organization_policy or {}).get("session_idle")
        return min(int(asked), self.session_idle_cap) if asked else self.session_idle


def canonical_domains(typed: Iterable[str]) -> list[str]:
    """Return domains in the form in which those of addresses are compared, each once; raises ValidationFailed."""
    read, faults = [], []
    for place, text in enumerate(typed):
        try:
            read.append(canonical_domain(text))
        except InvalidAddress:
            detail = "Write a domain such as example.com."
            faults.append(FieldError(f"/sign_up_domains/{place}", "invalid", detail))
    if faults:
        raise ValidationFailed(errors=faults)
    return list(dict.fromkeys(read))


def said(seconds: int) -> str:
    """Say a time in the largest unit that holds it whole."""
    for unit, name in ((DAY, "days"), (3600, "hours"), (60, "minutes")):
        if seconds and seconds % unit == 0:
            return f"{seconds // unit} {name}"
    return f"{seconds} seconds"
