"""Recovery by mail: a link that works once, for thirty minutes, for the account it was made for (L4, L5)."""

from __future__ import annotations

import uuid

from django.contrib.auth.hashers import make_password

from core import ids, jobs, passwords, ports, scope
from core.network import current_network
from core.principal import Actor
from events.services import emit
from federation import gate
from identity import authenticators, contacts, methods, sessions, settling
from identity import selectors as people
from identity import services as accounts
from identity.emails import Address
from identity.models import EmailAddress, EmailClaim
from signin import attempts, challenge, flows, limits, risk
from signin import methods as doors
from signin.challenge import Answer
from signin.devices import Browser
from signin.errors import FlowExpired, LinkInvalid, WrongCode
from signin.flows import flow_scope
from signin.interaction import Interaction
from signin.limits import Attempt
from signin.mailing import absolute, mail_attempts, mails_here
from signin.models import Purpose, SignInFlow, Stage
from signin.password_rules import password_rules
from tenants.selectors import TenantRef


def start(
    *,
    tenant: TenantRef | None,
    browser: Browser,
    address: Address,
    interaction: Interaction,
    answer: Answer = challenge.NOTHING,
) -> SignInFlow:
    """Mail a link to the stored address; an unknown one gets a mail that says so (L2).

    Raises MethodDisabled, SsoRequired, ChallengeRequired, TooManyAttempts.
    """
    doors.check(tenant, interaction, methods.PASSWORD)
    gate.check_address(tenant, address)
    challenge.demand(challenge.Door(challenge.RECOVERY, tenant, browser), mails_here(), answer)
    limits.take(mail_attempts(address))
    account_id = people.account_id_by_address(address)
    mailbox = stored_mailbox(account_id, address)
    with flow_scope(tenant):
        flow = flows.start(
            tenant=tenant,
            purpose=Purpose.RECOVERY,
            stage=Stage.NEW_PASSWORD,
            browser=browser,
            address=address,
            interaction=interaction,
            account_id=account_id,
        )
        _mail(tenant, flow, mailbox, interaction)
        _record(tenant, flow, account_id)
    return flow


def _mail(tenant: TenantRef | None, flow: SignInFlow, mailbox: str, interaction: Interaction) -> None:
    """Mail the link, or to somebody without an account the way to one."""
    proof = flows.issue_proof(flow)
    if flow.account_id is None:
        template, link = "recover_unknown", absolute("sign_up", tenant, interaction)
    else:
        template = "recover_password"
        asked = {"flow": flow.public_id, "token": proof.token, **interaction.looks}
        link = absolute("recovery_new_password", tenant, None, **asked)
    ports.mail.send(
        template,
        mailbox,
        tenant_id=tenant.id if tenant else None,
        organization_id=interaction.organization_id,
        context={"link": link, "minutes": flows.PROOF_MINUTES[Purpose.RECOVERY]},
    )


def stored_mailbox(account_id: uuid.UUID | None, address: Address) -> str:
    """Mail goes to the address as it was proved, never to what was typed just now (L6)."""
    wanted = account_id or ids.uuid7()
    with scope.account(wanted):
        stored = EmailAddress.objects.filter(account_id=wanted, digest__in=address.digests)
        return stored.values_list("address", flat=True).first() or address.mailbox


def _record(tenant: TenantRef | None, flow: SignInFlow, account_id: uuid.UUID | None) -> None:
    subject = attempts.subject_of(tenant, account_id)
    described = {"id": flow.public_id, "object": "recovery"} | ({"member": subject} if subject else {})
    emit("recovery.started", actor=Actor("user", subject or "unknown"), object=described)
    jobs.enqueue(
        "signin.tell_account", {"type": "user.password.reset_requested", "account": str(account_id or "")}
    )


def inspect(*, tenant: TenantRef | None, flow_id: str, token: str) -> SignInFlow:
    """Return the flow of a link that still works, in whichever browser it was opened; raises LinkInvalid.

    The link is the proof, so it need not be opened where it was asked for; nobody is signed in by it.
    """
    limits.take([Attempt(limits.PROOF_NETWORK, current_network())])
    try:
        with flow_scope(tenant):
            flow = flows.find(tenant, flow_id)
        flows.check_live_proof(flow, Stage.NEW_PASSWORD)
        flows.check_proof(flow, token=token or "-")
    except (FlowExpired, WrongCode):
        raise LinkInvalid from None
    if flow.account_id is None or people.account_id_by_address(flows.address_of(flow)) != flow.account_id:
        raise LinkInvalid
    return flow


def complete(
    *, tenant: TenantRef | None, flow_id: str, browser: Browser, token: str, password: str
) -> Interaction:
    """Set the new password; every earlier sign-in, flow and standing grant ends. Nobody is signed in by it.

    This browser alone counts as a known device from now on: whoever chose the password has the mailbox.

    Raises LinkInvalid, PasswordRefused (the link stays good then).
    """
    try:
        flow = inspect(tenant=tenant, flow_id=flow_id, token=token)
    except LinkInvalid:
        _record_denied(tenant)
        raise
    address, account_id = flows.address_of(flow), flow.account_id
    assert account_id is not None
    interaction = doors.interaction_of(tenant, flow)
    doors.check(tenant, interaction, methods.PASSWORD)
    rules, words = password_rules(tenant)
    known, is_sole = [*words, *address.words], not beside_a_factor(account_id)
    accounts.check_new_password(password, words=known, rules=rules, sole_factor=is_sole)
    hashed = make_password(password)
    _consume(tenant, flow)
    with scope.account(account_id):
        accounts.set_password(
            account_id=account_id,
            password_hash=hashed,
            needs_factor=passwords.needs_factor(password),
            event="user.password.reset_completed",
        )
        gone = _end_what_was(account_id, address)
        risk.remember(account_id, browser, is_checked=True)
        link = absolute("recovery", tenant, None)
        ports.mail.send(
            "password_changed",
            people.primary_email(account_id),
            account_id=account_id,
            context={"link": link, "gone": gone},
        )
    factor = Attempt(limits.FACTOR_EVER, str(account_id))
    limits.clear([Attempt(limits.GUESS_ACCOUNT, address.canonical), *limits.ever(account_id), factor])
    return interaction


def beside_a_factor(account_id: uuid.UUID) -> bool:
    """Whether a second factor stands beside the password, and stays when it is lost; opens a scope for a moment."""
    with scope.account(account_id):
        return authenticators.has_settled(account_id)


def _end_what_was(account_id: uuid.UUID, keep: Address) -> list[str]:
    """End what somebody with the lost password may have begun; returns what was new and is gone (L5)."""
    sessions.end_others(account_id=account_id, keep=None, reason=sessions.RECOVERY)
    EmailClaim.objects.filter(account_id=account_id).delete()
    contacts.drop_all(account_id)
    SignInFlow.objects.filter(account_id=account_id).exclude(stage=Stage.DONE).update(
        stage=Stage.DONE, code_digest="", link_digest=""
    )
    return settling.drop(account_id=account_id, keep=keep)


def _record_denied(tenant: TenantRef | None) -> None:
    described = {"id": ids.encode("flow", ids.uuid7()), "object": "recovery", "reason": "link_invalid"}
    with flow_scope(tenant):
        emit("recovery.denied", actor=Actor("user", "unknown"), object=described)


def _consume(tenant: TenantRef | None, flow: SignInFlow) -> None:
    """Use the link up by one statement, with the tenant's record of it in the same transaction."""
    with flow_scope(tenant):
        try:
            flows.finish(flow, link_digest=flow.link_digest)
        except FlowExpired:
            raise LinkInvalid from None
        subject = attempts.subject_of(tenant, flow.account_id)
        described = {"id": flow.public_id, "object": "recovery"} | ({"member": subject} if subject else {})
        emit("recovery.completed", actor=Actor("user", subject or "unknown"), object=described)
