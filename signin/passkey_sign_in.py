"""Signing in with a passkey alone: both factors at once, and no address to type (AUT-05)."""

from __future__ import annotations

from core import scope
from core.network import current_network
from identity import emails, methods, passkeys
from identity import selectors as people
from identity.errors import WrongFactor
from identity.passkeys import Site
from identity.sessions import SessionRef
from signin import limits, services
from signin import methods as doors
from signin.devices import Browser
from signin.interaction import Interaction
from signin.limits import Attempt
from signin.services import SignedInPerson
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
    """Verify the answer and open a session. Raises MethodDisabled, TooManyAttempts, WrongFactor."""
    doors.check(tenant, interaction, methods.PASSKEY)
    tries = [Attempt(limits.GUESS_NETWORK, current_network())]
    limits.take(tries)
    try:
        proved = passkeys.prove(answer=answer, site=site, bound_to=_binding(tenant, browser))
    except WrongFactor:
        services.record_failure(tenant, None)
        raise
    limits.give_back(tries)
    with scope.account(proved.account_id):
        mailbox = people.primary_email(proved.account_id)
    address = emails.parse(mailbox) if mailbox else emails.Address("", "")
    opened = services.open_session(
        account_id=proved.account_id, remember=False, present=present, method="passkey", amr=proved.amr
    )
    return SignedInPerson(proved.account_id, opened, address, False, interaction)


def _binding(tenant: TenantRef | None, browser: Browser) -> str:
    return f"{tenant.id if tenant else 'origin'}:{browser.value}"
