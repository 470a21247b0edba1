"""The further proof of whoever has no second factor, where a sign-in looks wrong: a code in the mailbox.

It shows that the mailbox is theirs too and nothing more: mail that could reset the password is never a second
factor (M6), so the sign-in counts for what its first proof was.
"""

from __future__ import annotations

from core.network import current_network
from core.principal import Actor
from events.services import emit
from identity import methods, sessions
from identity.sessions import SessionRef
from signin import attempts, flows, limits, notices
from signin import methods as doors
from signin.devices import Browser
from signin.entry import Entry, SignedInPerson, open_session
from signin.errors import CodeExhausted, FlowExpired, WrongCode
from signin.flows import flow_scope
from signin.limits import Attempt
from signin.models import SignInFlow, Stage
from signin.risk import Risk
from tenants.selectors import TenantRef


def find(tenant: TenantRef | None, flow_id: str, browser: Browser) -> SignInFlow:
    """Return the flow that waits for the mailed code in this browser; raises FlowExpired, OtherBrowser."""
    with flow_scope(tenant):
        flow = flows.resume(tenant, flow_id, browser, Stage.CONFIRM)
    if flow.account_id is None:
        raise FlowExpired
    return flow


def prove(
    *, tenant: TenantRef | None, flow_id: str, browser: Browser, code: str, present: SessionRef | None = None
) -> SignedInPerson:
    """Compare the code and open the session that its first proof is good for.

    Raises TooManyAttempts and CodeExhausted before anything is compared, WrongCode, FlowExpired, OtherBrowser.
    """
    flow = find(tenant, flow_id, browser)
    account_id = flow.account_id
    assert account_id is not None
    tries = [
        Attempt(limits.FACTOR_ACCOUNT, str(account_id)),
        Attempt(limits.PROOF_NETWORK, current_network()),
    ]
    limits.take(tries)
    with flow_scope(tenant):
        flow = flows.count_compare(flow)
    if not flows.is_right(flow, code=code) or not sessions.may_open(account_id):
        attempts.record_failure(tenant, account_id, "wrong_code")
        raise WrongCode
    with flow_scope(tenant):
        flows.finish(flow, code_digest=flow.code_digest)
        _report(tenant, flow)
    limits.clear(tries[:1])
    data = flow.data
    opened = open_session(
        account_id=account_id,
        remember=data["remember"],
        present=present,
        method=methods.name_of(data["amr"]),
        amr=data["amr"],
        entry=Entry(browser, Risk.load(data["risk"]), is_checked=True, proved_mailbox=True),
    )
    interaction = doors.interaction_of(tenant, flow)
    return SignedInPerson(account_id, opened, flows.address_of(flow), data["remember"], interaction)


def _report(tenant: TenantRef | None, flow: SignInFlow) -> None:
    subject = attempts.subject_of(tenant, flow.account_id)
    described = {"id": flow.public_id, "object": "sign_in", "reason": "mailed_code"}
    member = {"member": subject} if subject else {}
    emit("risk.lowered", actor=Actor("user", subject or "unknown"), object=described | member)


def resend(*, tenant: TenantRef | None, flow_id: str, browser: Browser) -> None:
    """Mail a new code; the older one is dead and the count of tries stays (M6)."""
    flow = find(tenant, flow_id, browser)
    if flow.attempts >= flows.MAX_COMPARES:
        raise CodeExhausted
    assert flow.account_id is not None
    limits.take(
        [
            Attempt(limits.MAIL_ADDRESS, str(flow.account_id)),
            Attempt(limits.MAIL_NETWORK, current_network()),
        ]
    )
    notices.mail_code(tenant, flow_id, flow.account_id)
