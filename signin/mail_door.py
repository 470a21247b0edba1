"""Signing in by mail: one mail carries a code, a link, or both, as the tenant allows (AUT-06, AUT-07).

Either proves the mailbox and nothing more: what could reset the password is never a second factor (M6).
Known and unknown addresses take the same statements in the same order; only the mail differs (L2).
"""

from __future__ import annotations

from core import ports
from core.network import current_network
from identity import methods
from identity import selectors as people
from identity.emails import Address
from identity.sessions import SessionRef
from signin import codes, flows, limits, recovery
from signin import methods as doors
from signin.devices import Browser
from signin.entry import Halfway, SignedInPerson
from signin.errors import CodeExhausted, FlowExpired, LinkInvalid, WrongCode
from signin.flows import Proof, flow_scope
from signin.interaction import Interaction
from signin.limits import Attempt
from signin.mailing import absolute, mail_attempts
from signin.models import Purpose, SignInFlow, Stage
from tenants.selectors import TenantRef


def begin(*, tenant: TenantRef | None, flow_id: str, browser: Browser) -> SignInFlow:
    """Mail a proof to the address of a sign-in that waits for a password; that one stays open."""
    with flow_scope(tenant):
        waiting = flows.resume(tenant, flow_id, browser, Stage.PASSWORD)
    return start(
        tenant=tenant,
        browser=browser,
        address=flows.address_of(waiting),
        interaction=doors.interaction_of(tenant, waiting),
    )


def start(
    *, tenant: TenantRef | None, browser: Browser, address: Address, interaction: Interaction
) -> SignInFlow:
    """Mail a proof; the older ones for this address here are dead. Raises MethodDisabled, TooManyAttempts."""
    doors.check(tenant, interaction, *doors.BY_MAIL)
    limits.take(mail_attempts(address))
    account_id = people.account_id_by_address(address)
    mailbox = recovery.stored_mailbox(account_id, address)
    with flow_scope(tenant):
        flow = flows.start(
            tenant=tenant,
            purpose=Purpose.SIGN_IN,
            stage=Stage.MAILED,
            browser=browser,
            address=address,
            interaction=interaction,
            account_id=account_id,
        )
        _mail(tenant, flow, mailbox, flows.issue_proof(flow))
    return flow


def _mail(tenant: TenantRef | None, flow: SignInFlow, mailbox: str, proof: Proof) -> None:
    interaction = doors.interaction_of(tenant, flow)
    allowed = doors.here(tenant, interaction)
    link = absolute("sign_in_mail", tenant, None, flow=flow.public_id, token=proof.token, **interaction.looks)
    known = {
        "code": proof.code if methods.EMAIL_CODE in allowed else "",
        "link": link if methods.MAGIC_LINK in allowed else "",
    }
    unknown = {"link": absolute("sign_up", tenant, interaction)}
    ports.mail.send(
        "sign_in_proof" if flow.account_id else "sign_in_unknown",
        mailbox,
        tenant_id=tenant.id if tenant else None,
        organization_id=interaction.organization_id,
        context={**(known if flow.account_id else unknown), "minutes": flows.PROOF_MINUTES[Purpose.SIGN_IN]},
    )


def resend(*, tenant: TenantRef | None, flow_id: str, browser: Browser) -> None:
    """Mail a new code and link; the older ones are dead and the count of tries stays (M6)."""
    with flow_scope(tenant):
        flow = flows.resume(tenant, flow_id, browser, Stage.MAILED)
        doors.check_flow(tenant, flow, *doors.BY_MAIL)
    if flow.attempts >= flows.MAX_COMPARES:
        raise CodeExhausted
    address = flows.address_of(flow)
    limits.take(mail_attempts(address))
    mailbox = recovery.stored_mailbox(flow.account_id, address)
    with flow_scope(tenant):
        _mail(tenant, flow, mailbox, flows.issue_proof(flow))


def begin_elsewhere(*, tenant: TenantRef | None, flow_id: str, browser: Browser, token: str) -> SignInFlow:
    """Mail a proof for this browser to whoever opened the link of another one.

    A link signs in only where it was asked for, or whoever asks could wait for somebody else to press its
    button. It shows all the same that the mailbox is theirs, so they need not type the address again.
    Raises LinkInvalid, TooManyAttempts.
    """
    limits.take([Attempt(limits.PROOF_NETWORK, current_network())])
    try:
        with flow_scope(tenant):
            flow = flows.find(tenant, flow_id)
            flows.check_live_proof(flow, Stage.MAILED)
            flow = flows.count_compare(flow)
        flows.check_proof(flow, token=token or "-")
    except (FlowExpired, WrongCode, CodeExhausted):
        raise LinkInvalid from None
    address, interaction = flows.address_of(flow), doors.interaction_of(tenant, flow)
    return start(tenant=tenant, browser=browser, address=address, interaction=interaction)


def prove(
    *,
    tenant: TenantRef | None,
    flow_id: str,
    browser: Browser,
    code: str = "",
    token: str = "",
    present: SessionRef | None = None,
) -> SignedInPerson | Halfway:
    """Take the code or the link's token and open a session; raises what `codes.prove` raises."""
    return codes.prove(
        tenant=tenant,
        flow_id=flow_id,
        browser=browser,
        stage=Stage.MAILED,
        method=methods.MAGIC_LINK if token else methods.EMAIL_CODE,
        owner_of=people.account_id_by_address,
        code=code,
        token=token,
        present=present,
    )
