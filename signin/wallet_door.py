"""Signing in with an Ethereum wallet (AUT-10) that the person linked at their own pages."""

from __future__ import annotations

import secrets as random
from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone

from core.network import current_network
from identity import methods, sessions, siwe
from identity import selectors as people
from identity.emails import Address
from identity.errors import WalletRefused
from identity.sessions import SessionRef
from signin import attempts, entry, flows, limits
from signin import methods as doors
from signin.devices import Browser
from signin.entry import Halfway, SignedInPerson
from signin.errors import WalletUnknown
from signin.flows import PROOF_MINUTES, flow_scope
from signin.interaction import Interaction
from signin.limits import Attempt
from signin.mailing import absolute
from signin.models import Purpose, SignInFlow, Stage
from tenants.selectors import TenantRef


def start(*, tenant: TenantRef, browser: Browser, wallet: Address, interaction: Interaction) -> SignInFlow:
    """Write the message that this wallet is to sign, and keep it in a flow of this browser."""
    doors.check(tenant, interaction, methods.WALLET)
    limits.take([Attempt(limits.START_NETWORK, current_network())])
    now = timezone.now()
    text = siwe.message(
        domain=urlsplit(settings.ORIGIN).netloc,
        address=wallet.mailbox,
        uri=absolute("sign_in", tenant, None),
        statement=f"Sign in to {tenant.slug}. This costs nothing and moves nothing.",
        nonce=random.token_hex(16),
        issued_at=now,
        expires_at=now + timedelta(minutes=PROOF_MINUTES[Purpose.SIGN_IN]),
    )
    with flow_scope(tenant):
        flow = flows.start(
            tenant=tenant,
            purpose=Purpose.SIGN_IN,
            stage=Stage.WALLET,
            browser=browser,
            address=wallet,
            interaction=interaction,
            message=text,
        )
        flows.issue_proof(flow)  # for its time limit and its count of tries
    return flow


def prove(
    *, tenant: TenantRef, flow_id: str, browser: Browser, signature: str, present: SessionRef | None = None
) -> SignedInPerson | Halfway:
    """Check the signature of the flow's own message, once, and open a session.

    Raises MethodDisabled, TooManyAttempts, WalletRefused, WalletUnknown, CodeExhausted, FlowExpired,
    OtherBrowser.
    """
    limits.take([Attempt(limits.PROOF_NETWORK, current_network())])
    with flow_scope(tenant):
        flow = flows.resume(tenant, flow_id, browser, Stage.WALLET)
        doors.check_flow(tenant, flow, methods.WALLET)
        flows.check_live_proof(flow, Stage.WALLET)
        flow = flows.count_compare(flow)
    wallet = flows.address_of(flow)
    if not siwe.is_signed_by(wallet.mailbox, flow.data["message"], signature):
        attempts.record_failure(tenant, None, "wrong_signature")
        raise WalletRefused
    owner = people.account_id_by_contact(wallet)
    if owner is None or not sessions.may_open(owner):
        attempts.record_failure(tenant, None, "wallet_unknown")
        raise WalletUnknown  # said only to whoever has just shown that the wallet is theirs
    return entry.let_in(
        tenant=tenant,
        flow=flow,
        account_id=owner,
        method=methods.WALLET,
        browser=browser,
        present=present,
        refusal=WalletRefused,
    )
