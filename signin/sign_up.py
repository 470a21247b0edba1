"""Signing up: the claim waits in its flow until the address is proved; before that nobody exists (L5)."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from django.contrib.auth.hashers import make_password
from django.db import transaction

from core import ports
from core.network import current_network
from core.urls import tenant_path
from federation import gate
from identity import methods
from identity import selectors as people
from identity import services as accounts
from identity.emails import Address
from identity.errors import DisposableMail
from identity.models import Account
from identity.sessions import Opened, SessionRef
from invitations import selectors as invitations
from signin import challenge, flows, joining, limits, notices, risk
from signin import methods as doors
from signin.challenge import Answer
from signin.devices import Browser
from signin.entry import Entry, SignedInPerson, open_session
from signin.errors import CodeExhausted, SignUpClosed
from signin.flows import Proof, flow_scope
from signin.interaction import Interaction
from signin.limits import Attempt
from signin.mailing import absolute, mail_attempts, mails_here
from signin.models import Purpose, SignInFlow, Stage
from signin.password_rules import password_rules
from tenants import disposable
from tenants.selectors import TenantRef


def start(
    *,
    tenant: TenantRef | None,
    browser: Browser,
    address: Address,
    name: str,
    password: str,
    interaction: Interaction,
    answer: Answer = challenge.NOTHING,
) -> SignInFlow:
    """Take a claim and mail its proof. A known address gets another mail and the same answer (L2).

    Where passwords are switched off none is kept. Raises MethodDisabled where no method lets a new person in,
    SignUpClosed by the tenant's policy, SsoRequired, PasswordRefused, DisposableMail, ChallengeRequired,
    TooManyAttempts.
    """
    chosen = password if doors.takes_password(tenant, interaction) else None
    gate.check_address(tenant, address)
    if tenant is not None:
        _check_policy(tenant, address)
    _check_password(tenant, chosen, address, name)
    thrown = disposable.action(risk.policy_at(tenant), address)
    door = challenge.Door(challenge.SIGN_UP, tenant, browser)
    challenge.demand(door, mails_here(), answer, always=thrown == risk.STEP_UP)
    limits.take(mail_attempts(address))
    _weigh(tenant, thrown)
    hashed = make_password(chosen)
    known = people.account_id_by_address(address) is not None
    with flow_scope(tenant):
        flow = flows.start(
            tenant=tenant,
            purpose=Purpose.SIGN_UP,
            stage=Stage.VERIFY,
            browser=browser,
            address=address,
            interaction=interaction,
            name=name,
            hash=hashed,
            known=known,
        )
        _mail(tenant, flow, flows.issue_proof(flow))
    return flow


def _check_password(tenant: TenantRef | None, chosen: str | None, address: Address, name: str) -> None:
    """Raise PasswordRefused for one that the tenant's rules do not take; None where none is taken at all."""
    if chosen is not None:
        rules, words = password_rules(tenant)
        accounts.check_new_password(chosen, words=[*words, *address.words, name], rules=rules)


def _weigh(tenant: TenantRef | None, thrown: str) -> None:
    """Record a throw-away address, and refuse it where the policy wants that; raises DisposableMail."""
    if thrown == "off":
        return
    with flow_scope(tenant):
        notices.report_address(thrown)
    if thrown == risk.BLOCK:
        raise DisposableMail


def _check_policy(tenant: TenantRef, address: Address) -> None:
    with flow_scope(tenant):
        allowed = joining.may_sign_up(tenant, address)
        if not allowed:
            joining.record_blocked()
    if not allowed:  # outside, so that the record stays
        raise SignUpClosed


def _mail(tenant: TenantRef | None, flow: SignInFlow, proof: Proof) -> None:
    data = flow.data
    interaction = doors.interaction_of(tenant, flow)
    if data["known"]:
        template = "account_exists"
        links = {
            "link": absolute("sign_in", tenant, interaction),
            "recovery_link": absolute("recovery", tenant, interaction),
        }
    else:
        template = "verify_address"
        link = absolute("verify", tenant, None, flow=flow.public_id, token=proof.token, **interaction.looks)
        links = {"link": link, "code": proof.code}
    ports.mail.send(
        template,
        data["mailbox"],
        tenant_id=tenant.id if tenant else None,
        organization_id=interaction.organization_id,
        context={**links, "minutes": flows.PROOF_MINUTES[Purpose.SIGN_UP]},
    )


def by_invitation(
    *,
    tenant: TenantRef,
    browser: Browser,
    address: Address,
    name: str,
    password: str,
    interaction: Interaction,
    present: SessionRef | None = None,
) -> SignedInPerson | None:
    """Make the account of somebody who came by an invitation's mailed link, which proves its address (USR-02).

    None sends the claim the ordinary way, with a code: no such open invitation of this tenant, another
    address than the invited one, or an account that exists. The token stays what it is, good for accepting
    this invitation only (L4, S3); nobody but the address ever got it. Raises PasswordRefused, TooManyAttempts.
    """
    token = invitation_token(tenant, interaction)
    if not token:
        return None
    limits.take([Attempt(limits.PROOF_NETWORK, current_network())])
    with flow_scope(tenant):
        proved = invitations.proves(token, address.canonical)
    if not proved or people.account_id_by_address(address) is not None:
        return None
    _weigh(tenant, disposable.action(risk.policy_at(tenant), address))
    chosen = password if doors.takes_password(tenant, interaction) else None
    _check_password(tenant, chosen, address, name)
    account = accounts.create_account(email=address, password_hash=make_password(chosen), name=name)
    proof = methods.MAGIC_LINK if chosen is None else methods.PASSWORD
    opened = _open(account, proof, browser, present)
    return SignedInPerson(account.id, opened, address, False, interaction)


def invitation_token(tenant: TenantRef, interaction: Interaction) -> str:
    """Return the token of the invitation that the person came from, empty where they came from elsewhere."""
    came_from = urlsplit(interaction.next)
    if came_from.path != tenant_path(tenant.slug, "invitation"):
        return ""
    return parse_qs(came_from.query).get("token", [""])[0]


def resend(*, tenant: TenantRef | None, flow_id: str, browser: Browser) -> None:
    """Mail a new code and link; the older ones are dead and the count of tries stays (M6)."""
    with flow_scope(tenant):
        flow = flows.resume(tenant, flow_id, browser, Stage.VERIFY)
    if flow.attempts >= flows.MAX_COMPARES:
        raise CodeExhausted
    limits.take(mail_attempts(flows.address_of(flow)))
    with flow_scope(tenant):
        _mail(tenant, flow, flows.issue_proof(flow))


def prove(
    *,
    tenant: TenantRef | None,
    flow_id: str,
    browser: Browser,
    code: str = "",
    token: str = "",
    present: SessionRef | None = None,
) -> SignedInPerson:
    """Take the code or the link's token, make the account, and sign the person in.

    Raises WrongCode, CodeExhausted after five tries, FlowExpired, OtherBrowser, AddressTaken.
    """
    limits.take([Attempt(limits.PROOF_NETWORK, current_network())])
    with flow_scope(tenant):
        flow = flows.count_compare(flows.resume(tenant, flow_id, browser, Stage.VERIFY))
    flows.check_proof(flow, code=code, token=token)
    with flow_scope(tenant), transaction.atomic():
        flows.finish(flow, code_digest=flow.code_digest)
    data, address = flow.data, flows.address_of(flow)
    account = accounts.create_account(email=address, password_hash=data["hash"], name=data["name"])
    proof = methods.MAGIC_LINK if token else methods.EMAIL_CODE
    if not data["hash"].startswith("!"):
        proof = methods.PASSWORD
    opened = _open(account, proof, browser, present)
    interaction = doors.interaction_of(tenant, flow)
    return SignedInPerson(account.id, opened, address, False, interaction)


def _open(account: Account, proof: str, browser: Browser, present: SessionRef | None) -> Opened:
    """Open the first session of a new account, which `proof` is the method of."""
    return open_session(
        account_id=account.id,
        remember=False,
        present=present,
        method="sign_up",
        proof=proof,
        entry=Entry(browser, is_checked=True),
    )
