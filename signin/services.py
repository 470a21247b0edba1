"""Signing in with a password. Whatever the address, the same work is done in the same order (L2)."""

from __future__ import annotations

from core import ids, passwords
from core.network import current_network
from identity import methods
from identity import selectors as people
from identity import services as accounts
from identity.emails import Address
from identity.sessions import SessionRef
from signin import attempts, challenge, flows, limits, past
from signin import methods as doors
from signin.challenge import Answer
from signin.devices import Browser
from signin.entry import Halfway, SignedInPerson, let_in
from signin.errors import WrongCredentials
from signin.flows import flow_scope
from signin.interaction import Interaction
from signin.limits import Attempt
from signin.models import Purpose, SignInFlow, Stage
from tenants.selectors import TenantRef


def identify(
    *, tenant: TenantRef | None, browser: Browser, address: Address, interaction: Interaction
) -> SignInFlow:
    """Begin a sign-in; nothing is said, or looked up, about the address."""
    limits.take([Attempt(limits.START_NETWORK, current_network())])
    with flow_scope(tenant):
        return flows.start(
            tenant=tenant,
            purpose=Purpose.SIGN_IN,
            stage=Stage.PASSWORD,
            browser=browser,
            address=address,
            interaction=interaction,
        )


def authenticate(
    *,
    tenant: TenantRef | None,
    flow_id: str,
    browser: Browser,
    password: str,
    remember: bool = False,
    present: SessionRef | None = None,
    answer: Answer = challenge.NOTHING,
) -> SignedInPerson | Halfway:
    """Compare the password and open a session, or say that a second factor is due.

    `present` is the session this browser already has: the same person's gets a new value, another's ends.
    Raises MethodDisabled, ChallengeRequired and TooManyAttempts before anything is compared, WrongCredentials,
    FlowExpired, OtherBrowser.
    """
    with flows.one_statement(tenant):
        flow, account_id = flows.resume_with_account(tenant, flow_id, browser, Stage.PASSWORD)
    with flow_scope(tenant):
        doors.check_flow(tenant, flow, methods.PASSWORD)
    address = flows.address_of(flow)
    door = challenge.Door(challenge.SIGN_IN, tenant, browser, flow_id)
    challenge.demand(door, attempts.guesses_of(address, browser), answer)
    account_id = account_id or people.account_id_by_address(address, flow.address_digest)
    guesses = attempts.passwords_of(address, browser, account_id)
    attempts.count_guess(tenant, guesses)
    known = past.read(account_id or ids.uuid7(), browser)  # an unknown address reads in a scope just as real
    if not accounts.verify_password(password, known.credentials.password) or account_id is None:
        attempts.record_failure(tenant, account_id)
        raise WrongCredentials
    return let_in(
        tenant=tenant,
        flow=flow,
        account_id=account_id,
        method=methods.PASSWORD,
        browser=browser,
        remember=remember,
        present=present,
        is_breached=passwords.is_breached(password),
        known=known,
        took=[*guesses, *limits.ever(account_id)],
    )
