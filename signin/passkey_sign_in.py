"""Signing in with a passkey alone: both factors at once, and no address to type (AUT-05)."""

from __future__ import annotations

import uuid

from core import scope
from core.network import current_network
from identity import emails, methods, passkeys
from identity import selectors as people
from identity.errors import WrongFactor
from identity.passkeys import Site
from identity.sessions import SessionRef
from signin import attempts, limits, notices, past, risk
from signin import methods as doors
from signin.devices import Browser
from signin.entry import Entry, SignedInPerson, open_session
from signin.flows import flow_scope
from signin.interaction import Interaction
from signin.limits import Attempt
from signin.risk import Risk
from tenants.selectors import TenantRef


def ask(*, tenant: TenantRef | None, browser: Browser, site: Site, interaction: Interaction) -> str:
    """Return the options with which the browser asks for any passkey of this host. Raises MethodDisabled."""
    doors.check(tenant, interaction, methods.PASSKEY)
    limits.take([Attempt(limits.CHALLENGE_NETWORK, current_network())])
    return passkeys.ask(site=site, bound_to=_binding(tenant, browser))


def authenticate(
    *,
    tenant: TenantRef | None,
    browser: Browser,
    answer: str,
    site: Site,
    interaction: Interaction,
    present: SessionRef | None,
) -> SignedInPerson:
    """Verify the answer and open a session: both factors at once answer every step-up.

    Raises MethodDisabled, TooManyAttempts, WrongFactor.
    """
    doors.check(tenant, interaction, methods.PASSKEY)
    tries = [Attempt(limits.GUESS_NETWORK, current_network())]
    limits.take(tries)
    try:
        proved = passkeys.prove(answer=answer, site=site, bound_to=_binding(tenant, browser))
    except WrongFactor:
        attempts.record_failure(tenant, None)
        raise
    limits.give_back(tries)
    with scope.account(proved.account_id):
        mailbox = people.primary_email(proved.account_id)
    address = emails.parse(mailbox) if mailbox else emails.Address("", "")
    found = _weigh(tenant, proved.account_id, browser, present)
    opened = open_session(
        account_id=proved.account_id,
        remember=False,
        present=present,
        method="passkey",
        amr=proved.amr,
        entry=Entry(browser, found, is_checked=True),
    )
    return SignedInPerson(proved.account_id, opened, address, False, interaction)


def _weigh(
    tenant: TenantRef | None, account_id: uuid.UUID, browser: Browser, present: SessionRef | None
) -> Risk:
    """Tell what looks wrong; raises WrongFactor, as for a wrong proof, where the door's policy blocks it."""
    known = past.read(account_id, browser)
    found = risk.weigh(risk.policy_at(tenant), known, account_id=account_id, present=present)
    if found.of(risk.BLOCK):
        notices.refuse(tenant, account_id, found)
        raise WrongFactor
    with flow_scope(tenant):
        notices.report(tenant, account_id, found)
    return found


def _binding(tenant: TenantRef | None, browser: Browser) -> str:
    return f"{tenant.id if tenant else 'origin'}:{browser.value}"
