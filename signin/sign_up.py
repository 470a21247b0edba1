"""Signing up: the claim waits in its flow until the address is proved; before that nobody exists (L5)."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from django.contrib.auth.hashers import make_password
from django.db import transaction

from core import ports
from core.network import current_network
from core.passwords import PasswordRules
from core.urls import tenant_path
from identity import methods
from identity import selectors as people
from identity import services as accounts
from identity.emails import Address
from identity.errors import DisposableMail
from identity.sessions import SessionRef
from invitations import selectors as invitations
from signin import admission, bridge, challenge, flows, limits, notices, risk
from signin import methods as doors
from signin.challenge import Answer
from signin.devices import Browser
from signin.entry import Entry, SignedInPerson, open_session
from signin.errors import CodeExhausted, SignUpClosed
from signin.flows import Proof, flow_scope
from signin.interaction import Interaction, load
from signin.limits import Attempt
from signin.models import Purpose, SignInFlow, Stage
from tenants import disposable, selectors
from tenants.policy import TenantPolicy
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
    SignUpClosed by the tenant's policy, PasswordRefused, DisposableMail, ChallengeRequired,
    TooManyAttempts.
    """
    takes_password = doors.takes_password(tenant, interaction)
    rules, words = password_rules(tenant)
    if tenant is not None:
        _check_policy(tenant, address)
    if takes_password:
        accounts.check_new_password(password, words=[*words, *address.words, name], rules=rules)
    thrown = disposable.action(risk.policy_at(tenant), address)
    door = challenge.Door(challenge.SIGN_UP, tenant, browser)
    challenge.demand(door, mails_here(), answer, always=thrown == risk.STEP_UP)
    limits.take(mail_attempts(address))
    _weigh(tenant, thrown)
    hashed = make_password(password if takes_password else None)
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


def password_rules(tenant: TenantRef | None) -> tuple[PasswordRules, list[str]]:
    """Return what the tenant asks of passwords, and the words they must not be built from."""
    if tenant is None:
        return PasswordRules(), ["Claviger"]
    with flow_scope(tenant):
        policy = selectors.policy()
    return rules_of(policy), [tenant.slug, "Claviger"]


def rules_of(policy: TenantPolicy) -> PasswordRules:
    return PasswordRules(policy.password_min_length, 4 if policy.password_classes else 0)


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
        allowed = admission.may_sign_up(tenant, address)
        if not allowed:
            admission.record_blocked()
    if not allowed:  # outside, so that the record stays
        raise SignUpClosed


def mail_attempts(address: Address) -> list[Attempt]:
    return [Attempt(limits.MAIL_ADDRESS, address.canonical), *mails_here()]


def mails_here() -> list[Attempt]:
    """Return what counts the mails that this network asked for."""
    return [Attempt(limits.MAIL_NETWORK, current_network())]


def _mail(tenant: TenantRef | None, flow: SignInFlow, proof: Proof) -> None:
    data = flow.data
    interaction = load(data["interaction"], tenant.slug if tenant else "")
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


def absolute(page: str, tenant: TenantRef | None, interaction: Interaction | None, **query: str) -> str:
    """Return a link for a mail, from the configured origin and never from Host (threat L3)."""
    from django.conf import settings

    return f"{settings.ORIGIN}{bridge.address(page, tenant, interaction, **query)}"


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
    takes_password = doors.takes_password(tenant, interaction)
    rules, words = password_rules(tenant)
    if takes_password:
        accounts.check_new_password(password, words=[*words, *address.words, name], rules=rules)
    hashed = make_password(password if takes_password else None)
    account = accounts.create_account(email=address, password_hash=hashed, name=name)
    proof = methods.PASSWORD if takes_password else methods.MAGIC_LINK
    opened = open_session(
        account_id=account.id,
        remember=False,
        present=present,
        method="sign_up",
        proof=proof,
        entry=Entry(browser, is_checked=True),
    )
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
    opened = open_session(
        account_id=account.id,
        remember=False,
        present=present,
        method="sign_up",
        proof=proof,
        entry=Entry(browser, is_checked=True),
    )
    interaction = load(data["interaction"], tenant.slug if tenant else "")
    return SignedInPerson(account.id, opened, address, False, interaction)
