"""What the tenant and the person are told about a sign-in that looked wrong: events, and mails to the person."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import get_language, override

from core import context, ids, ports, scope
from core.principal import Actor
from events.services import emit
from identity import places
from identity import selectors as people
from identity.agents import describe_agent
from identity.services import describe, person
from signin import attempts, flows, limits, risk
from signin.flows import flow_scope
from signin.models import Purpose
from signin.risk import Risk
from tenants.selectors import TenantRef


def report(tenant: TenantRef | None, account_id: uuid.UUID, found: Risk) -> None:
    """Write each signal that this door does something about to the open scope's stream."""
    subject = attempts.subject_of(tenant, account_id) if found.actions else ""
    actor = Actor("user", subject or "unknown")
    for kind in found.actions:
        member = {"member": subject} if subject else {}
        emit("risk.elevated", actor=actor, object=_described(kind, found) | member)


def report_address(action: str) -> None:
    """Write to the open scope's stream that somebody signed up, or tried to, with a throw-away address."""
    about = {"id": ids.encode("flow", ids.uuid7()), "object": "sign_in", "reason": "disposable_mail"}
    emit("risk.elevated", actor=Actor("user", "unknown"), object=about | {"action": action})
    if action == risk.BLOCK:
        emit("signup.blocked", actor=Actor("user", "unknown"), object=about | {"object": "sign_up"})


def _described(kind: str, found: Risk) -> dict[str, Any]:
    told: dict[str, Any] = {"id": ids.encode("flow", ids.uuid7()), "object": "sign_in"}
    told |= {"reason": kind, "action": found.actions[kind]}
    if kind == risk.IMPOSSIBLE_TRAVEL:
        told |= {"kilometres": found.kilometres, "minutes": found.minutes}
    return told


def tell_person(account_id: uuid.UUID, found: Risk) -> None:
    """Tell the person of a sign-in that was let in, in the open account scope: their own record, and a mail."""
    for kind in found.actions:
        if kind == risk.PASSWORD_BREACHED:
            emit("user.password.compromised", actor=person(account_id), object=describe(account_id))
        else:
            emit("risk.elevated", actor=person(account_id), object=_described(kind, found))
    if set(found.actions) - {risk.PASSWORD_BREACHED}:
        _mail("sign_in_noticed", account_id)
    if risk.PASSWORD_BREACHED in found.actions and limits.once(f"breached:{account_id}", limits.WEEK):
        _mail("password_known", account_id)


def refuse(tenant: TenantRef | None, account_id: uuid.UUID, found: Risk) -> None:
    """Record a sign-in that was right and is blocked; opens its scopes itself.

    The record is that of a wrong proof with another reason, and costs the same: `tell_stopped` does the rest (L2).
    """
    known = context.current()
    seen = {"ip": known.ip, "user_agent": known.user_agent, "language": get_language() or "en"}
    attempts.record_failure(tenant, account_id, _reason(found), stopped={"risk": found.dump(), **seen})


def tell_stopped(tenant: TenantRef | None, account_id: uuid.UUID, found: Risk) -> None:
    """Tell the tenant what looked wrong, and the person by mail, at most once an hour; opens its scopes itself."""
    with flow_scope(tenant):
        report(tenant, account_id, found)
    with scope.account(account_id):
        if limits.once(f"stopped:{account_id}", limits.HOUR):
            _mail("sign_in_stopped", account_id, known_password=_reason(found) == risk.PASSWORD_BREACHED)


def _reason(found: Risk) -> str:
    return (found.of(risk.BLOCK) or found.of(risk.STEP_UP))[0]


def mail_code(tenant: TenantRef | None, flow_id: str, account_id: uuid.UUID) -> None:
    """Mail the code that stands in for a second factor where there is none; opens its scopes itself.

    An account without an address gets none, and nothing can complete its flow.
    """
    with scope.account(account_id):
        mailbox, facts = people.primary_email(account_id), _facts(account_id)
    with flow_scope(tenant):
        proof = flows.issue_proof(flows.find(tenant, flow_id))
        if mailbox:
            minutes = flows.PROOF_MINUTES[Purpose.SIGN_IN]
            ports.mail.send(
                "confirm_sign_in",
                mailbox,
                tenant_id=tenant.id if tenant else None,
                context={**facts, "code": proof.code, "minutes": minutes},
            )


def _mail(template: str, account_id: uuid.UUID, **more: Any) -> None:
    mailbox = people.primary_email(account_id)
    if mailbox:
        facts = _facts(account_id)
        ports.mail.send(
            template, mailbox, account_id=account_id, context={**facts, **more}, locale=facts["locale"]
        )


def _facts(account_id: uuid.UUID) -> dict[str, str]:
    """Return when, where and with what it was, in the person's own language: a stranger may have caused it."""
    account = people.account(account_id)
    locale = (account.locale if account else "") or get_language() or "en"
    known, here = context.current(), places.current(locale)
    with override(locale):
        device = describe_agent(known.user_agent)
    return {
        "when": f"{timezone.now():%Y-%m-%d %H:%M} UTC",
        "device": device,
        "address": known.ip,
        "place": here.name if here else "",
        "activity": f"{settings.ORIGIN}/account/activity",
        "recovery": f"{settings.ORIGIN}/recovery",
        "locale": locale,
    }
