"""Taking a code or a link's token that was sent to a mailbox or a phone: counted, compared, used once."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from core.network import current_network
from identity import sessions
from identity.emails import Address
from identity.sessions import SessionRef
from signin import attempts, entry, flows, limits
from signin import methods as doors
from signin.devices import Browser
from signin.entry import Halfway, SignedInPerson
from signin.errors import WrongCode
from signin.flows import flow_scope
from signin.limits import Attempt
from signin.models import SignInFlow, Stage
from tenants.selectors import TenantRef

Owner = Callable[[Address], uuid.UUID | None]


def prove(
    *,
    tenant: TenantRef | None,
    flow_id: str,
    browser: Browser,
    stage: Stage,
    method: str,
    owner_of: Owner,
    code: str = "",
    token: str = "",
    present: SessionRef | None = None,
) -> SignedInPerson | Halfway:
    """Open a session for whoever knows what was sent. `owner_of` says whose the address is now.

    Raises MethodDisabled, TooManyAttempts, WrongCode, CodeExhausted after five tries, FlowExpired, OtherBrowser.
    """
    limits.take([Attempt(limits.PROOF_NETWORK, current_network())])
    with flow_scope(tenant):
        flow = flows.resume(tenant, flow_id, browser, stage)
        doors.check_flow(tenant, flow, method)
    guesses = [] if token else attempts.guesses_of(flows.address_of(flow), browser)
    attempts.count_guess(tenant, guesses)
    with flow_scope(tenant):
        flow = flows.count_compare(flow)
    account_id = _compare(tenant, flow, owner_of, code, token)
    return entry.let_in(
        tenant=tenant,
        flow=flow,
        account_id=account_id,
        method=method,
        browser=browser,
        present=present,
        refusal=WrongCode,
        took=guesses,
    )


def _compare(tenant: TenantRef | None, flow: SignInFlow, owner_of: Owner, code: str, token: str) -> uuid.UUID:
    """Return whose the proof is; raises WrongCode also where the address has changed hands meanwhile (L4)."""
    right = flows.is_right(flow, code=code, token=token)
    owner = owner_of(flows.address_of(flow))
    if not right or owner is None or owner != flow.account_id or not sessions.may_open(owner):
        attempts.record_failure(tenant, flow.account_id, "wrong_code")
        raise WrongCode
    return owner
