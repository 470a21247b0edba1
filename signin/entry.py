"""Letting in whoever has proved who they are: the one way behind every first proof, and the session it opens."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core import ids, scope
from core.errors import Problem
from events.services import emit
from federation import gate
from identity import assurance, authenticators, methods, sessions
from identity import services as accounts
from identity.emails import Address
from identity.selectors import Credentials
from identity.sessions import Opened, SessionRef
from signin import attempts, flows, limits, notices, past, risk, trust
from signin import methods as doors
from signin.devices import Browser
from signin.errors import WrongCredentials
from signin.flows import flow_scope
from signin.interaction import Interaction
from signin.limits import Attempt
from signin.models import SignInFlow, Stage
from signin.past import Past
from signin.risk import Risk
from signin.trust import Trusted
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
    """A right first proof where a further one is due: nothing is open before that (M3). `page` asks for it."""

    flow_id: str
    page: str = "second_factor"


@dataclass(frozen=True)
class Voucher:
    """On whose word somebody gets in: the account's own methods', or a connection's of the tenant `opened_by`.

    `amr` and `acr` are then what its word counts for.
    """

    opened_by: str = sessions.BY_ACCOUNT
    connection_id: uuid.UUID | None = None
    amr: tuple[str, ...] = ()
    acr: str = ""


OWN = Voucher()


@dataclass(frozen=True)
class Entry:
    """The browser that somebody comes in by, and what looked wrong about it; `is_checked` answers that.

    `proved_mailbox`: a mailed code was that answer.
    """

    browser: Browser
    found: Risk = risk.NONE
    is_checked: bool = False
    proved_mailbox: bool = False


def let_in(
    *,
    tenant: TenantRef | None,
    flow: SignInFlow,
    account_id: uuid.UUID,
    method: str,
    browser: Browser,
    remember: bool = False,
    present: SessionRef | None = None,
    is_breached: bool = False,
    refusal: type[Problem] = WrongCredentials,
    known: Past | None = None,
    took: Sequence[Attempt] = (),
) -> SignedInPerson | Halfway:
    """Use the flow up for a first proof that was right: the one way behind every one, whatever its method.

    Opens a session, or leaves the flow waiting for a further proof: the second factor of whoever has one (M3;
    behind a password a trusted browser stands for it), or a mailed code where something looks wrong and there
    is none. `known` is the account's past where it was read, `took` the tries that were counted for the proof and
    are forgiven now. Raises FlowExpired where another request, or a newer mail, was faster, SsoRequired where only
    a connection's word is taken, and `refusal` where the policy blocks what looks wrong.
    """
    gate.check(tenant, account_id, flows.address_of(flow))
    known = known or past.read(account_id, browser)
    found = risk.weigh(
        risk.policy_at(tenant), known, account_id=account_id, is_breached=is_breached, present=present
    )
    stage = _further(known.credentials, found, method)
    if found.of(risk.BLOCK) or (stage is Stage.CONFIRM and not known.credentials.has_mailbox):
        notices.refuse(tenant, account_id, found)
        raise refusal
    interaction, trusted = doors.interaction_of(tenant, flow), trust.NO_FACTOR
    if stage is Stage.SECOND_FACTOR and method == methods.PASSWORD and not found.of(risk.STEP_UP):
        trusted = trust.find(account_id, browser, interaction, tenant) or trust.NO_FACTOR
    if stage is not None and trusted is trust.NO_FACTOR:
        proved = {"amr": [methods.AMR[method]], "remember": remember}
        return _halfway(tenant, flow, account_id, stage, proved, found, took)
    _use_up(tenant, flow, account_id, found)
    opened = open_session(
        account_id=account_id,
        remember=remember,
        present=present,
        method=method,
        trusted=trusted,
        entry=Entry(browser, found, is_checked=method in doors.BY_MAIL),
        took=took,
    )
    return SignedInPerson(account_id, opened, flows.address_of(flow), remember, interaction)


def _further(known: Credentials, found: Risk, method: str) -> Stage | None:
    """Return where the flow waits for a further proof: none where the first one is enough."""
    if known.has_second:
        return Stage.SECOND_FACTOR
    return Stage.CONFIRM if found.of(risk.STEP_UP) and method not in doors.BY_MAIL else None


def _use_up(tenant: TenantRef | None, flow: SignInFlow, account_id: uuid.UUID, found: Risk) -> None:
    """End the flow, and tell the tenant what looked wrong; raises FlowExpired."""
    with flow_scope(tenant) if found.actions else flows.one_statement(tenant):
        flows.finish(flow, **_unchanged(flow))
        notices.report(tenant, account_id, found)


def _halfway(
    tenant: TenantRef | None,
    flow: SignInFlow,
    account_id: uuid.UUID,
    stage: Stage,
    proved: dict[str, Any],
    found: Risk,
    took: Sequence[Attempt],
) -> Halfway:
    """Let the flow wait for a further proof, with what was proved and what looked wrong."""
    with flow_scope(tenant):
        flows.advance(flow, stage, account_id, {**proved, "risk": found.dump()}, **_unchanged(flow))
        notices.report(tenant, account_id, found)
        attempts.forgive(took)
    if stage == Stage.SECOND_FACTOR:
        return Halfway(flow.public_id)
    notices.mail_code(tenant, flow.public_id, account_id)
    return Halfway(flow.public_id, "sign_in_confirm")


def _unchanged(flow: SignInFlow) -> dict[str, str]:
    return {"code_digest": flow.code_digest, "link_digest": flow.link_digest}


def open_session(
    *,
    account_id: uuid.UUID,
    remember: bool,
    present: SessionRef | None,
    method: str,
    proof: str = "",
    amr: Sequence[str] = (),
    trusted: Trusted = trust.NO_FACTOR,
    entry: Entry | None = None,
    took: Sequence[Attempt] = (),
    voucher: Voucher = OWN,
) -> Opened:
    """Open the identity session of a person who has just proved who they are; another person's ends.

    `method` is one of `identity.methods`, or `sign_up`; `proof` is then the method that it amounts to.
    `amr` says what was proved where that is more than the method by itself. Without an `entry` the device is
    not remembered: guests have nothing to come back with, and others have their provider. `voucher` is whose word
    it was.
    """
    words = list(amr) or [methods.AMR[proof or method]]
    _end_another(present, account_id, voucher)
    level = voucher.acr or authenticators.level(words)
    acr = assurance.GUEST if method == methods.GUEST else trusted.acr or level
    is_checked = entry is None or entry.is_checked or level != assurance.PASSWORD
    with scope.account(account_id):
        opened = sessions.open_session(
            account_id=account_id,
            amr=list(voucher.amr) or authenticators.together(words),
            acr=acr,
            opened_by=voucher.opened_by,
            connection_id=voucher.connection_id,
            remember=remember,
            replacing=present,
            factor_proved_at=trusted.proved_at,
            proved_mailbox=method == "sign_up" or (entry is not None and entry.proved_mailbox),
            risk=() if entry is None or is_checked else entry.found.raised,
        )
        if entry is not None:
            _remember(account_id, entry, method, is_checked=is_checked)
        attempts.forgive(took)
        described = {"id": ids.encode("ids", opened.id), "object": "session", "method": method, "acr": acr}
        emit("signin.succeeded", actor=accounts.person(account_id), object=described)
    return opened


def _end_another(present: SessionRef | None, account_id: uuid.UUID, voucher: Voucher) -> None:
    """End the session that this browser had: of another person, or opened on another's word."""
    if present is not None and not present.is_of(account_id, voucher.opened_by, voucher.connection_id):
        with scope.account(present.account_id):
            sessions.end(account_id=present.account_id, session_ids=[present.id], reason="replaced")


def _remember(account_id: uuid.UUID, entry: Entry, method: str, *, is_checked: bool) -> None:
    """Tell the person what looked wrong, and know the device from now on, in the open account scope."""
    notices.tell_person(account_id, entry.found)
    if method != methods.PASSWORD:  # whose own count is settled with what it took
        limits.clear(limits.ever(account_id))
    risk.remember(account_id, entry.browser, is_checked=is_checked or entry.found.is_first)
