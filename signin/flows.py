"""Flow rows: begun, found again by their own browser only, finished once."""

from __future__ import annotations

import secrets as random
import uuid
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import F
from django.utils import timezone

from core import ids, scope, secrets
from core.errors import Problem
from core.postgres import rows
from core.postgres.prepared import Prepared
from identity import selectors, typed
from identity.emails import Address
from signin.devices import Browser
from signin.errors import CodeExhausted, CodeExpired, FlowExpired, OtherBrowser, WrongCode
from signin.interaction import Interaction
from signin.models import Purpose, SignInFlow, Stage
from tenants.selectors import TenantRef

LIFETIME = timedelta(hours=1)
PROOF_MINUTES = {Purpose.SIGN_IN: 10, Purpose.SIGN_UP: 15, Purpose.RECOVERY: 30}
MAX_COMPARES = 5
_FIND = "id = %(flow)s AND tenant_id IS NOT DISTINCT FROM %(tenant)s"
_ITS_ACCOUNT = selectors.BY_EMAIL.format(digest="address_digest")
_FINISH = Prepared("""
UPDATE signin_signinflow SET stage = 'done', code_digest = '', link_digest = '', updated_at = %(now)s
 WHERE id = %(flow)s AND stage = %(stage)s AND expires_at > %(now)s
   AND (%(code)s::text IS NULL OR code_digest = %(code)s) AND (%(link)s::text IS NULL OR link_digest = %(link)s)
RETURNING 1
""")


@dataclass(frozen=True)
class Proof:
    """What a mail carries: a six-digit code and the token of a link."""

    code: str
    token: str


def flow_scope(tenant: TenantRef | None) -> AbstractContextManager[Any]:
    """Flows at the bare origin belong to no tenant and no person yet: operator scope alone sees them."""
    return scope.tenant(tenant.id) if tenant else scope.operator()


def one_statement(tenant: TenantRef | None) -> AbstractContextManager[Any]:
    """The same for exactly one statement, which is a transaction by itself."""
    return scope.one_statement(tenant.id) if tenant else scope.one_statement_of_operator()


def start(
    *,
    tenant: TenantRef | None,
    purpose: Purpose,
    stage: Stage,
    browser: Browser,
    address: Address,
    interaction: Interaction,
    account_id: uuid.UUID | None = None,
    **typed: Any,
) -> SignInFlow:
    """Insert a flow in the open scope; `typed` is sealed with it."""
    flow = SignInFlow(
        tenant_id=tenant.id if tenant else None,
        account_id=account_id,
        purpose=purpose,
        stage=stage,
        browser_digest=browser.digest,
        address_digest=address.digest,
        expires_at=timezone.now() + LIFETIME,
    )
    slug = tenant.slug if tenant else ""
    flow.seal(
        {
            "mailbox": address.mailbox,
            "canonical": address.canonical,
            "interaction": interaction.dump(slug),
            **typed,
        }
    )
    # No RETURNING, which at the bare origin would ask the read policy of another scope.
    SignInFlow.objects.bulk_create([flow])
    return flow


def find(tenant: TenantRef | None, public_id: str) -> SignInFlow:
    """Return an open flow of this place in the open scope; raises FlowExpired."""
    return _open(rows.first(SignInFlow, _FIND, _place(tenant, public_id)))


def resume(tenant: TenantRef | None, public_id: str, browser: Browser, stage: Stage) -> SignInFlow:
    """Return the open flow of this browser at this stage; raises FlowExpired, OtherBrowser."""
    return _own(find(tenant, public_id), browser, stage)


def resume_with_account(
    tenant: TenantRef | None, public_id: str, browser: Browser, stage: Stage
) -> tuple[SignInFlow, uuid.UUID | None]:
    """As `resume`, with the account that proved the flow's address, by the digest that the flow has of it."""
    flow, found = rows.first_with(SignInFlow, _ITS_ACCOUNT, _FIND, _place(tenant, public_id)) or (
        None,
        [None],
    )
    own = _own(_open(flow), browser, stage)
    return own, uuid.UUID(str(found[0])) if found[0] else None


def _place(tenant: TenantRef | None, public_id: str) -> dict[str, Any]:
    try:
        return {"flow": SignInFlow.read_id(public_id), "tenant": tenant.id if tenant else None}
    except ids.MalformedId:
        raise FlowExpired from None


def _open(flow: SignInFlow | None) -> SignInFlow:
    if flow is None or not flow.is_open:
        raise FlowExpired
    return flow


def _own(flow: SignInFlow, browser: Browser, stage: Stage) -> SignInFlow:
    if flow.browser_digest not in browser.digests:
        raise OtherBrowser
    if flow.stage != stage:
        raise FlowExpired
    return flow


def of_browser(tenant: TenantRef | None, public_id: str, browser: Browser) -> SignInFlow | None:
    """Return this browser's own flow in the open scope, whatever became of it; None for any other."""
    try:
        flow_id = SignInFlow.read_id(public_id)
    except ids.MalformedId:
        return None
    mine = SignInFlow.objects.filter(id=flow_id, browser_digest__in=browser.digests)
    return mine.filter(tenant_id=tenant.id if tenant else None).first()


def address_of(flow: SignInFlow) -> Address:
    data = flow.data
    return Address(data["mailbox"], data["canonical"])


def finish(flow: SignInFlow, *, code_digest: str | None = None, link_digest: str | None = None) -> None:
    """End the flow by one statement, once; raises FlowExpired when it had ended or moved on.

    Where digests are given, a newer mail than theirs moved it on too.
    """
    of: dict[str, Any] = {
        "flow": flow.id,
        "stage": flow.stage,
        "code": code_digest,
        "link": link_digest,
        "now": timezone.now(),
    }
    if not _FINISH.all(of):
        raise FlowExpired


def advance(
    flow: SignInFlow, stage: Stage, account_id: uuid.UUID, known: dict[str, Any], **unchanged: str
) -> None:
    """Move the flow on by one statement, once, with what was proved; raises FlowExpired when it had moved."""
    flow.seal({**flow.data, **known})
    live = SignInFlow.objects.filter(id=flow.id, stage=flow.stage, expires_at__gt=timezone.now(), **unchanged)
    proved = {"account_id": account_id, "sealed": flow.sealed, "code_digest": "", "link_digest": ""}
    if not live.update(stage=stage, attempts=0, updated_at=timezone.now(), **proved):
        raise FlowExpired


def count_try(flow: SignInFlow) -> None:
    """Count one try at a second factor before it is compared, atomically; raises CodeExhausted past the fifth."""
    allowed = SignInFlow.objects.filter(
        id=flow.id, stage=flow.stage, attempts__lt=MAX_COMPARES, expires_at__gt=timezone.now()
    )
    if not allowed.update(attempts=F("attempts") + 1):
        raise CodeExhausted


def issue_proof(flow: SignInFlow) -> Proof:
    """Give the flow a new code and link; the older ones, of any flow for this address here, are dead (L4).

    The count of compares is not reset: asking again buys no more guesses (M6).
    """
    proof = Proof(f"{random.randbelow(1_000_000):06d}", secrets.new_token())
    same = SignInFlow.objects.filter(
        tenant_id=flow.tenant_id, address_digest=flow.address_digest, purpose=flow.purpose
    )
    same.exclude(id=flow.id).exclude(stage=Stage.DONE).update(code_digest="", link_digest="")
    SignInFlow.objects.filter(id=flow.id).update(
        code_digest=secrets.digest(_bound(proof.code, flow), "signin.code"),
        link_digest=secrets.digest(_bound(proof.token, flow), "signin.link"),
        proof_expires_at=timezone.now() + timedelta(minutes=PROOF_MINUTES[Purpose(flow.purpose)]),
    )
    return proof


def issue_state(flow: SignInFlow) -> str:
    """Return what a provider carries back, which finds the flow again and is good once (RFC 6749 §10.12)."""
    token = secrets.new_token()
    bound = secrets.digest(_bound(token, flow), "signin.link")
    SignInFlow.objects.filter(id=flow.id).update(link_digest=bound)
    return f"{flow.public_id}.{token}"


def by_state(tenant: TenantRef, state: str) -> tuple[SignInFlow, bool]:
    """Return the flow that a state names in the open scope, and whether it is the one that we gave out.

    Raises FlowExpired for one that is over.
    """
    public_id, _, token = state.partition(".")
    flow = find(tenant, public_id)
    if flow.stage != Stage.FEDERATED:
        raise FlowExpired
    return flow, bool(token) and is_right(flow, token=token)


def count_compare(flow: SignInFlow) -> SignInFlow:
    """Count one compare before it is made, atomically; raises CodeExhausted past the fifth (M1), CodeExpired."""
    allowed = SignInFlow.objects.filter(
        id=flow.id, stage=flow.stage, attempts__lt=MAX_COMPARES, proof_expires_at__gt=timezone.now()
    )
    if not allowed.update(attempts=F("attempts") + 1):
        raise _why_not(flow)
    return SignInFlow.objects.get(id=flow.id)


def _why_not(flow: SignInFlow) -> Problem:
    """Tell a code that ran out, for which a new mail does, from one that was tried too often."""
    if flow.attempts < MAX_COMPARES and flow.proof_expires_at and flow.proof_expires_at <= timezone.now():
        return CodeExpired()
    return CodeExhausted()


def check_live_proof(flow: SignInFlow, stage: Stage) -> None:
    """Raise FlowExpired unless the flow waits at this stage and what was mailed has not run out."""
    if flow.stage != stage or flow.proof_expires_at is None or flow.proof_expires_at <= timezone.now():
        raise FlowExpired


def check_proof(flow: SignInFlow, *, code: str = "", token: str = "") -> None:
    """Compare in constant time; raises WrongCode."""
    if not is_right(flow, code=code, token=token):
        raise WrongCode


def is_right(flow: SignInFlow, *, code: str = "", token: str = "") -> bool:
    """Compare in constant time."""
    if token:
        return secrets.matches(_bound(token, flow), flow.link_digest, "signin.link")
    return secrets.matches(_bound(typed.bare(code), flow), flow.code_digest, "signin.code")


def _bound(proof: str, flow: SignInFlow) -> str:
    """Bind a proof to tenant, purpose, account and address as well as to its flow (L4)."""
    place = f"{flow.tenant_id or 'origin'}:{flow.purpose}:{flow.account_id or ''}"
    return f"{place}:{flow.address_digest}:{flow.id}:{proof}"
