"""Signing in by a code sent to a phone (AUT-08). The number was proved and linked at the person's own pages.

An unknown number takes the same statements and gets no message: a stranger cannot have us send for money.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from core.network import current_network
from identity import methods
from identity import selectors as people
from identity.emails import Address
from identity.sessions import SessionRef
from mail import texts
from signin import codes, flows, limits
from signin import methods as doors
from signin.devices import Browser
from signin.entry import Halfway, SignedInPerson
from signin.errors import CodeExhausted
from signin.flows import flow_scope
from signin.interaction import Interaction
from signin.limits import Attempt
from signin.models import Purpose, SignInFlow, Stage
from tenants import selectors
from tenants.selectors import TenantRef


def start(*, tenant: TenantRef, browser: Browser, number: Address, interaction: Interaction) -> SignInFlow:
    """Send a code to a linked number; older ones are dead. Raises MethodDisabled, TooManyAttempts."""
    doors.check(tenant, interaction, methods.PHONE_CODE)
    limits.take(_attempts(tenant, number))
    account_id = people.account_id_by_contact(number)
    with flow_scope(tenant):
        flow = flows.start(
            tenant=tenant,
            purpose=Purpose.SIGN_IN,
            stage=Stage.TEXTED,
            browser=browser,
            address=number,
            interaction=interaction,
            account_id=account_id,
        )
        _send(tenant, flow)
    return flow


def _attempts(tenant: TenantRef, number: Address) -> list[Attempt]:
    return [
        Attempt(limits.TEXT_NETWORK, current_network()),
        Attempt(limits.TEXT_NUMBER, number.canonical),
        Attempt(limits.TEXT_TENANT, str(tenant.id)),
    ]


def _send(tenant: TenantRef, flow: SignInFlow) -> None:
    proof = flows.issue_proof(flow)
    text = _("%(code)s is your code to sign in to %(name)s. Give it to nobody.")
    text %= {"code": proof.code, "name": selectors.tenant().name}
    texts.send(flow.data["mailbox"], text, tenant_id=tenant.id, wanted=flow.account_id is not None)


def resend(*, tenant: TenantRef, flow_id: str, browser: Browser) -> None:
    """Send a new code; the older one is dead and the count of tries stays (M6)."""
    with flow_scope(tenant):
        flow = flows.resume(tenant, flow_id, browser, Stage.TEXTED)
        doors.check_flow(tenant, flow, methods.PHONE_CODE)
    if flow.attempts >= flows.MAX_COMPARES:
        raise CodeExhausted
    limits.take(_attempts(tenant, flows.address_of(flow)))
    with flow_scope(tenant):
        _send(tenant, flow)


def prove(
    *, tenant: TenantRef, flow_id: str, browser: Browser, code: str, present: SessionRef | None = None
) -> SignedInPerson | Halfway:
    """Take the code and open a session; raises what `codes.prove` raises."""
    return codes.prove(
        tenant=tenant,
        flow_id=flow_id,
        browser=browser,
        stage=Stage.TEXTED,
        method=methods.PHONE_CODE,
        owner_of=people.account_id_by_contact,
        code=code,
        present=present,
    )
