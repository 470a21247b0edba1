"""The second proof: after a password, or to raise a sign-in that is there already (AUT-14, AUT-16).

A try is counted before it is compared, in statements of their own: at most five a challenge, and after five
growing waits over all challenges of the account (threat M1).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from core import jobs, scope
from core.network import current_network
from core.principal import Actor
from events.services import emit
from identity import assurance, authenticators, emails, methods, passkeys, recovery_codes, sessions, totp
from identity.errors import WrongFactor
from identity.passkeys import Site
from identity.sessions import Opened, SessionRef
from signin import attempts, flows, limits, risk, trust
from signin import methods as doors
from signin.devices import Browser
from signin.entry import Entry, SignedInPerson, open_session
from signin.errors import FlowExpired
from signin.flows import flow_scope
from signin.interaction import Interaction
from signin.limits import Attempt
from signin.models import Purpose, SignInFlow, Stage
from signin.risk import Risk
from tenants.selectors import TenantRef

METHODS = ("code", "passkey", "recovery")


@dataclass(frozen=True)
class Answer:
    """What was sent: the method, and the code or the authenticator's answer as JSON."""

    method: str
    text: str
    trust: bool = False


def begin(
    *, tenant: TenantRef | None, browser: Browser, session: SessionRef, interaction: Interaction, level: str
) -> SignInFlow:
    """Ask a signed-in person for what their sign-in lacks of `level`; what they proved already stays."""
    limits.take([Attempt(limits.START_NETWORK, current_network())])
    with flow_scope(tenant):
        return flows.start(
            tenant=tenant,
            purpose=Purpose.SIGN_IN,
            stage=Stage.SECOND_FACTOR,
            browser=browser,
            address=emails.parse(session.email) if session.email else emails.Address("", ""),
            interaction=interaction,
            account_id=session.account_id,
            amr=list(session.amr),
            remember=session.remembered,
            session=str(session.id),
            connection=str(session.connection_id or ""),
            level=level,
        )


def find(tenant: TenantRef | None, flow_id: str, browser: Browser) -> SignInFlow:
    """Return the flow that waits for a second factor in this browser; raises FlowExpired, OtherBrowser."""
    with flow_scope(tenant):
        flow = flows.resume(tenant, flow_id, browser, Stage.SECOND_FACTOR)
    if flow.account_id is None:
        raise FlowExpired
    return flow


def ask(*, tenant: TenantRef | None, flow_id: str, browser: Browser, site: Site) -> str:
    """Return the options with which the browser asks for one of the person's passkeys."""
    limits.take([Attempt(limits.CHALLENGE_NETWORK, current_network())])
    flow = find(tenant, flow_id, browser)
    return passkeys.ask(
        site=site,
        bound_to=_binding(flow, browser),
        account_id=flow.account_id,
        connection_id=connection_of(flow),
    )


def connection_of(flow: SignInFlow) -> uuid.UUID | None:
    """Return the connection whose word the factor is asked beside: what is bound to it is good then."""
    found = flow.data.get("connection", "")
    return uuid.UUID(found) if found else None


def prove(
    *,
    tenant: TenantRef | None,
    flow_id: str,
    browser: Browser,
    answer: Answer,
    site: Site,
    present: SessionRef | None,
) -> SignedInPerson:
    """Compare the second factor and open or raise the session.

    Raises TooManyAttempts and CodeExhausted before anything is compared, WrongFactor, FlowExpired, OtherBrowser.
    """
    flow = find(tenant, flow_id, browser)
    account_id = flow.account_id
    assert account_id is not None
    here = _present(flow, present)
    amr = _spend_try(tenant, flow, browser, answer, site)
    whole = authenticators.together(flow.data["amr"], amr)
    level = authenticators.level(whole)
    _record(tenant, flow, "mfa.succeeded", {"method": answer.method, "acr": level})
    opened = _raise(flow, here, browser, whole, amr) if here else _open(flow, browser, whole, present)
    # A browser stands for the second factor of the person's own sign-ins: no connection's word makes it do so.
    if answer.trust and trust.days(tenant) and (here is None or here.is_own):
        with scope.account(account_id):
            trust.remember(account_id, browser, level)
    interaction = doors.interaction_of(tenant, flow)
    return SignedInPerson(account_id, opened, flows.address_of(flow), flow.data["remember"], interaction)


def _spend_try(
    tenant: TenantRef | None, flow: SignInFlow, browser: Browser, answer: Answer, site: Site
) -> tuple[str, ...]:
    """Count a try, compare the answer and end the flow; returns the amr of a right one."""
    own = [Attempt(rule, str(flow.account_id)) for rule in (limits.FACTOR_ACCOUNT, limits.FACTOR_EVER)]
    shared = [Attempt(limits.GUESS_NETWORK, current_network())]
    limits.take([*own, *shared])
    with flow_scope(tenant):
        flows.count_try(flow)
    try:
        amr = _verify(flow, browser, answer, site)
    except WrongFactor:
        _record(tenant, flow, "mfa.failed", {"reason": "wrong_factor", "method": answer.method})
        raise
    with flow_scope(tenant):
        flows.finish(flow)
    limits.settle(own=own, shared=shared)
    return amr


def _present(flow: SignInFlow, present: SessionRef | None) -> SessionRef | None:
    """Return the sign-in that the flow raises; None where it opens one. Raises FlowExpired when it is gone."""
    wanted = flow.data.get("session", "")
    if not wanted:
        return None
    if present is None or str(present.id) != wanted or present.account_id != flow.account_id:
        raise FlowExpired
    return present


def _open(flow: SignInFlow, browser: Browser, whole: list[str], present: SessionRef | None) -> Opened:
    """Open the session that both proofs together are good for."""
    assert flow.account_id is not None
    return open_session(
        account_id=flow.account_id,
        remember=bool(flow.data["remember"]),
        present=present,
        method=methods.name_of(whole),
        amr=whole,
        entry=Entry(browser, Risk.load(flow.data.get("risk")), is_checked=True),
    )


def _raise(
    flow: SignInFlow, here: SessionRef, browser: Browser, whole: list[str], added: tuple[str, ...]
) -> Opened:
    """Raise the session that is there by the factor that was added."""
    assert flow.account_id is not None
    with scope.account(flow.account_id):
        acr = authenticators.level(whole)
        risk.remember(flow.account_id, browser, is_checked=True)
        # A provider's word is as old as it is: what its connection ended must not come back by a passkey.
        is_whole = here.is_own and added[0] in ("hwk", "swk")
        return sessions.step_up(here, amr=whole, acr=acr, is_whole=is_whole)


def _verify(flow: SignInFlow, browser: Browser, answer: Answer, site: Site) -> tuple[str, ...]:
    """Return the amr of a right answer; raises WrongFactor."""
    account_id, connection_id = flow.account_id, connection_of(flow)
    assert account_id is not None
    if answer.method == "passkey":
        return passkeys.prove(
            answer=answer.text,
            site=site,
            bound_to=_binding(flow, browser),
            account_id=account_id,
            connection_id=connection_id,
        ).amr
    if flow.data.get("level") == assurance.PHISHING_RESISTANT:
        raise WrongFactor
    with scope.account(account_id):
        if answer.method == "recovery":
            recovery_codes.use(account_id=account_id, code=answer.text, connection_id=connection_id)
        else:
            totp.compare(account_id=account_id, code=answer.text, connection_id=connection_id)
    return ("otp",)


def _record(tenant: TenantRef | None, flow: SignInFlow, name: str, more: dict[str, str]) -> None:
    """Write it to the tenant's stream, and promise it for the person's own."""
    with flow_scope(tenant):
        subject = attempts.subject_of(tenant, flow.account_id)
        described = {"id": flow.public_id, "object": "sign_in", **more}
        member = {"member": subject} if subject else {}
        emit(name, actor=Actor("user", subject or "unknown"), object={**described, **member})
        told = {"type": name, "account": str(flow.account_id), "object": described}
        jobs.enqueue("signin.tell_account", told)


def _binding(flow: SignInFlow, browser: Browser) -> str:
    return f"{flow.id}:{browser.value}"
