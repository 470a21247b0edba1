"""Guesses at who somebody is: what they are counted by, and what is written down when one is refused."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from core import ids, jobs
from core.network import current_network
from core.principal import Actor
from events.services import emit
from identity.emails import Address
from signin import limits
from signin.devices import Browser
from signin.flows import flow_scope
from signin.limits import Attempt
from tenants.models import Member
from tenants.selectors import TenantRef

# What it means that a rule shared by many networks, or by many accounts, is used up.
ATTACKS = {
    limits.GUESS_ACCOUNT.name: "attack.brute_force.detected",
    limits.GUESS_EVER.name: "attack.brute_force.detected",
    limits.GUESS_NETWORK.name: "attack.credential_stuffing.detected",
}


def guesses_of(address: Address, browser: Browser) -> list[Attempt]:
    """A device that signed in before is counted by itself; others by account and network."""
    network = current_network()
    if browser.knows(address):
        return [Attempt(limits.GUESS_DEVICE, f"{browser.mark(address)}")]
    return [
        Attempt(limits.GUESS_HERE, f"{address.canonical}:{network}"),
        Attempt(limits.GUESS_ACCOUNT, address.canonical),
        Attempt(limits.GUESS_NETWORK, network),
    ]


def passwords_of(address: Address, browser: Browser, account_id: uuid.UUID | None) -> list[Attempt]:
    """As `guesses_of`, and of all tries since the person last got in: at most a hundred are ever compared (L1).

    Unknown devices share most of them and known ones the rest, so neither uses up what the other has.
    """
    rule = limits.GUESS_DEVICE_EVER if browser.knows(address) else limits.GUESS_EVER
    return [*guesses_of(address, browser), Attempt(rule, str(account_id or address.canonical))]


def count_guess(tenant: TenantRef | None, guesses: list[Attempt]) -> None:
    """Count the guess, and record once per window that somebody is being slowed down (AUT-17)."""
    slowed = limits.take(guesses)
    if slowed:
        described = {"id": ids.encode("flow", ids.uuid7()), "object": "sign_in", "reason": slowed[0]}
        with flow_scope(tenant):
            emit("signin.blocked", actor=_somebody(None), object=described)
            if attack := ATTACKS.get(slowed[0]):
                emit(attack, actor=_somebody(None), object=described)


def record_failure(
    tenant: TenantRef | None,
    account_id: uuid.UUID | None,
    reason: str = "wrong_credentials",
    **more: Any,
) -> None:
    """Write the refusal to the tenant's stream, and promise one for the person's own.

    The promise is made for unknown addresses too and comes to nothing there: both cost the same. `more` goes
    with it: what else is to be told is told later, so that no refusal takes longer than another.
    """
    with flow_scope(tenant):
        subject = subject_of(tenant, account_id)
        described = {
            "id": ids.encode("flow", ids.uuid7()),
            "object": "sign_in",
            "reason": reason,
        }
        emit(
            "signin.failed",
            actor=_somebody(subject),
            object=described | ({"member": subject} if subject else {}),
        )
        jobs.enqueue(
            "signin.tell_account",
            {"type": "signin.failed", "account": str(account_id or ""), "object": described, **more},
        )


def subject_of(tenant: TenantRef | None, account_id: uuid.UUID | None) -> str:
    """Return the person's subject in the open tenant scope, empty where they are no member."""
    if tenant is None:
        return ""
    found = (
        Member.objects.filter(account_id=account_id or ids.uuid7()).values_list("subject", flat=True).first()
    )
    return found or ""


def _somebody(subject: str | None) -> Actor:
    return Actor("user", subject or "unknown")


def forgive(guesses: Sequence[Attempt]) -> None:
    """Clear the person's own counts after a success and give back what it took from shared ones."""
    if not guesses:
        return
    shared = (limits.GUESS_ACCOUNT, limits.GUESS_NETWORK)
    limits.settle(
        own=[guess for guess in guesses if guess.rule not in shared],
        shared=[guess for guess in guesses if guess.rule in shared],
    )
