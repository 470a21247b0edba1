"""Signing in with a password. Whatever the address, the same work is done in the same order (L2)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from core import ids, jobs, scope
from core.network import current_network
from core.principal import Actor
from events.services import emit
from identity import assurance, authenticators, methods, sessions
from identity import selectors as people
from identity import services as accounts
from identity.emails import Address
from identity.models import Account
from identity.sessions import Opened, SessionRef
from signin import flows, limits, trust
from signin import methods as doors
from signin.devices import Browser
from signin.errors import WrongCredentials
from signin.flows import flow_scope
from signin.interaction import Interaction
from signin.limits import Attempt
from signin.models import Purpose, SignInFlow, Stage
from signin.trust import Trusted
from tenants.models import Member
from tenants.selectors import TenantRef


@dataclass(frozen=True)
class SignedInPerson:
    """A sign-in that has just happened: its new cookie value and what the flow knew."""

    account_id: uuid.UUID
    opened: Opened
    address: Address
    remember: bool
    interaction: Interaction


@dataclass(frozen=True)
class Halfway:
    """A right first factor of somebody who has a second: nothing is open before that is proved (M3)."""

    flow_id: str


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
) -> SignedInPerson | Halfway:
    """Compare the password and open a session, or say that a second factor is due.

    `present` is the session this browser already has: the same person's gets a new value, another's ends.
    Raises MethodDisabled and TooManyAttempts before anything is compared, WrongCredentials, FlowExpired,
    OtherBrowser.
    """
    with flow_scope(tenant):
        flow = flows.resume(tenant, flow_id, browser, Stage.PASSWORD)
        doors.check_flow(tenant, flow, methods.PASSWORD)
    address = flows.address_of(flow)
    guesses = guesses_of(address, browser)
    count_guess(tenant, guesses)
    account_id = people.account_id_by_address(address)
    stored = _stored_password(account_id)
    if not accounts.verify_password(password, stored) or account_id is None:
        record_failure(tenant, account_id)
        raise WrongCredentials
    person = let_in(
        tenant=tenant,
        flow=flow,
        account_id=account_id,
        method=methods.PASSWORD,
        remember=remember,
        present=present,
        browser=browser,
    )
    forgive(guesses)
    return person


def let_in(
    *,
    tenant: TenantRef | None,
    flow: SignInFlow,
    account_id: uuid.UUID,
    method: str,
    remember: bool = False,
    present: SessionRef | None = None,
    browser: Browser | None = None,
) -> SignedInPerson | Halfway:
    """Use the flow up for a first proof that was right: the one way behind every one, whatever its method.

    Opens a session, or leaves the flow waiting for the second factor of whoever has one (M3). A `browser`
    that is trusted stands for it. Raises FlowExpired where another request, or a newer mail, was faster.
    """
    interaction = doors.interaction_of(tenant, flow)
    trusted = _trusted(account_id, browser, interaction, tenant)
    unchanged = {"code_digest": flow.code_digest, "link_digest": flow.link_digest}
    with flow_scope(tenant):
        if trusted is None:
            proved = {"amr": [methods.AMR[method]], "remember": remember}
            flows.advance(flow, Stage.SECOND_FACTOR, account_id, proved, **unchanged)
            return Halfway(flow.public_id)
        flows.finish(flow, **unchanged)
    opened = open_session(
        account_id=account_id, remember=remember, present=present, method=method, trusted=trusted
    )
    return SignedInPerson(account_id, opened, flows.address_of(flow), remember, interaction)


def _trusted(
    account_id: uuid.UUID, browser: Browser | None, interaction: Interaction, tenant: TenantRef | None
) -> Trusted | None:
    """Return why no second factor is due (there is none, or the browser is trusted), None where one is."""
    with scope.account(account_id):
        if not authenticators.held(account_id).any:
            return trust.NO_FACTOR
    return trust.find(account_id, browser, interaction, tenant) if browser else None


def forgive(guesses: list[Attempt]) -> None:
    """Clear the person's own counts after a success and give back what it took from shared ones."""
    limits.clear(guess for guess in guesses if guess.rule in (limits.GUESS_HERE, limits.GUESS_DEVICE))
    limits.give_back(guess for guess in guesses if guess.rule in (limits.GUESS_ACCOUNT, limits.GUESS_NETWORK))


def open_session(
    *,
    account_id: uuid.UUID,
    remember: bool,
    present: SessionRef | None,
    method: str,
    proof: str = "",
    amr: Sequence[str] = (),
    trusted: Trusted = trust.NO_FACTOR,
) -> Opened:
    """Open the identity session of a person who has just proved who they are; another person's ends.

    `method` is one of `identity.methods`, or `sign_up`; `proof` is then the method that it amounts to.
    `amr` says what was proved where that is more than the method by itself.
    """
    words = list(amr) or [methods.AMR[proof or method]]
    if present is not None and present.account_id != account_id:
        with scope.account(present.account_id):
            sessions.end(account_id=present.account_id, session_ids=[present.id], reason="replaced")
    acr = trusted.acr or authenticators.level(words)
    if method == methods.GUEST:
        acr = assurance.GUEST
    with scope.account(account_id):
        opened = sessions.open_session(
            account_id=account_id,
            amr=authenticators.together(words),
            acr=acr,
            remember=remember,
            replacing=present,
            factor_proved_at=trusted.proved_at,
            proved_mailbox=method == "sign_up",
        )
        emit(
            "signin.succeeded",
            actor=accounts.person(account_id),
            object={
                "id": ids.encode("ids", opened.id),
                "object": "session",
                "method": method,
                "acr": acr,
            },
        )
    return opened


def _stored_password(account_id: uuid.UUID | None) -> str | None:
    """Read the hash; an unknown address reads nothing from a scope just as real."""
    wanted = account_id or ids.uuid7()
    with scope.account(wanted):
        row = Account.objects.filter(id=wanted).values_list("password", "status").first()
    return row[0] if row and row[1] == "active" else None


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


def count_guess(tenant: TenantRef | None, guesses: list[Attempt]) -> None:
    """Count the guess, and record once per window that somebody is being slowed down (AUT-17)."""
    slowed = limits.take(guesses)
    if slowed:
        with flow_scope(tenant):
            emit(
                "signin.blocked",
                actor=_somebody(None),
                object={"id": ids.encode("flow", ids.uuid7()), "object": "sign_in", "reason": slowed[0]},
            )


def record_failure(
    tenant: TenantRef | None, account_id: uuid.UUID | None, reason: str = "wrong_credentials"
) -> None:
    """Write the refusal to the tenant's stream, and promise one for the person's own.

    The promise is made for unknown addresses too and comes to nothing there: both cost the same.
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
            {"type": "signin.failed", "account": str(account_id or ""), "object": described},
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
