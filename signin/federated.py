"""Signing in by a connection: off to its provider and back, bound to this browser and this connection (F2).

Calls to the provider are made with no scope open. Whatever fails is kept for the connection's diagnostics and
told to the person in one sentence with the request id (AUT-20, ORG-17).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace

from django.utils import timezone

from core import scope, secrets
from core.network import current_network
from core.urls import absolute
from federation import arrivals, asserted, attempts, protocol, provider, reach
from federation.arrivals import Arrival, NeedsProof
from federation.asserted import Asserted
from federation.errors import SsoFailed
from federation.models import Connection
from federation.protocol import Asking
from federation.provider import Provider, Rejected
from identity import assurance, methods, sessions
from identity.emails import Address
from identity.sessions import SessionRef
from signin import entry, flows, limits
from signin import methods as doors
from signin.devices import Browser
from signin.entry import SignedInPerson, Voucher
from signin.errors import FlowExpired, OtherBrowser
from signin.interaction import Interaction
from signin.limits import Attempt
from signin.models import Purpose, SignInFlow, Stage
from tenants.selectors import TenantRef

NOBODY = Address("", "")
LINK_MINUTES = 10  # how fresh both proofs of a link have to be


@dataclass(frozen=True)
class Tested:
    """A test sign-in is over: which connection's page shows it, and under which attempt."""

    connection: str
    attempt: str


@dataclass(frozen=True)
class ToLink:
    """The provider's side is proved, somebody here has the address: the person's own side is still due (F1)."""

    flow_id: str
    interaction: Interaction


def begin(
    *,
    tenant: TenantRef,
    connection_id: uuid.UUID,
    browser: Browser,
    interaction: Interaction,
    login_hint: str = "",
    tester: uuid.UUID | None = None,
) -> str:
    """Return the provider's address for one sign-in. `tester` is the account of whoever tests the connection.

    Raises SsoFailed for a connection that is not active, or whose provider cannot be found; TooManyAttempts.
    """
    limits.take([Attempt(limits.START_NETWORK, current_network())])
    nonce, verifier = secrets.new_token(), secrets.new_token()
    with scope.tenant(tenant.id):
        row = _connection(connection_id, is_test=tester is not None)
        there = provider.load(row)
        flow = flows.start(
            tenant=tenant,
            purpose=Purpose.SIGN_IN,
            stage=Stage.FEDERATED,
            browser=browser,
            address=NOBODY,
            interaction=interaction,
            connection=str(row.id),
            nonce=nonce,
            verifier=verifier,
            tester=str(tester or ""),
        )
        state = flows.issue_state(flow)
    try:
        return protocol.authorization_url(there, _asking(tenant, flow, state, login_hint))
    except Rejected as refused:
        raise _failed(tenant, flow, refused) from None


def _connection(connection_id: uuid.UUID, *, is_test: bool) -> Connection:
    """Return a connection that may be used now, in the open tenant scope (threat F6). Raises SsoFailed."""
    row = Connection.objects.filter(id=connection_id).first()
    if row is None or not (is_test or reach.open_ones(row.id, timezone.now()).exists()):
        raise SsoFailed("disabled")
    return row


def _asking(tenant: TenantRef, flow: SignInFlow, state: str = "", login_hint: str = "") -> Asking:
    """What this sign-in asks of the provider; a fresh proof is asked for as the application asked us."""
    data, interaction = flow.data, doors.interaction_of(tenant, flow)
    passed = [word for word in ("login", "select_account") if word in interaction.prompts]
    return Asking(
        redirect_uri=redirect_uri(tenant),
        state=state,
        nonce=data["nonce"],
        verifier=data["verifier"],
        login_hint=login_hint,
        prompt=" ".join(passed[:1]),
        max_age=0 if "login" in interaction.prompts else interaction.max_age,
    )


def redirect_uri(tenant: TenantRef) -> str:
    """Return the one address that all connections of a tenant come back to."""
    return absolute("tenant", "sso_callback", tenant.slug)


def take(*, tenant: TenantRef, state: str, browser: Browser) -> SignInFlow:
    """Use a state up and return its flow. Raises FlowExpired, OtherBrowser, SsoFailed."""
    with scope.tenant(tenant.id):
        flow, is_ours = flows.by_state(tenant, state)
        is_here = flow.browser_digest in browser.digests
        if is_ours and is_here:
            flows.finish(flow, link_digest=flow.link_digest)
            return flow
    refused = Rejected(
        "state", "The answer came to another browser, or with a state that we did not give out."
    )
    failed = _failed(tenant, flow, refused)
    raise OtherBrowser if is_ours else failed


def complete(
    *,
    tenant: TenantRef,
    flow: SignInFlow,
    answer: Mapping[str, str],
    browser: Browser,
    present: SessionRef | None,
) -> SignedInPerson | ToLink | Tested:
    """Take the provider's answer to a flow that `take` has used up. Raises SsoFailed."""
    try:
        there = _provider(tenant, flow)
        claims = protocol.claims_of(there, answer, _asking(tenant, flow))
        person = asserted.read(there, claims)
        if flow.data["tester"]:
            return _tested(tenant, flow, present, person, claims)
        return _let_in(tenant, flow, there, person, present)
    except NeedsProof:
        return _ask_for_proof(tenant, flow, browser, person)
    except Rejected as refused:
        raise _failed(tenant, flow, refused) from None


def _provider(tenant: TenantRef, flow: SignInFlow) -> Provider:
    """Read the connection anew: one that was switched off meanwhile takes nothing any more (threat F6)."""
    with scope.tenant(tenant.id):
        try:
            row = _connection(uuid.UUID(flow.data["connection"]), is_test=bool(flow.data["tester"]))
        except SsoFailed:
            raise Rejected("disabled", "The connection was switched off meanwhile.") from None
        return provider.load(row)


def _let_in(
    tenant: TenantRef, flow: SignInFlow, there: Provider, person: Asserted, present: SessionRef | None
) -> SignedInPerson:
    arrival = arrivals.arrive(tenant.id, there.id, person)
    return _open(tenant, flow, there, person, arrival, present)


def _open(
    tenant: TenantRef,
    flow: SignInFlow,
    there: Provider,
    person: Asserted,
    arrival: Arrival,
    present: SessionRef | None,
) -> SignedInPerson:
    """Open a session that is good in this tenant alone (threat F7), and keep the attempt."""
    if not sessions.may_open(arrival.account_id):
        raise Rejected("member", "The person's account is not active.")
    opened = entry.open_session(
        account_id=arrival.account_id,
        remember=False,
        present=present,
        method=methods.CONNECTION,
        amr=[methods.FEDERATED],
        voucher=_voucher(tenant, there, person),
    )
    with scope.tenant(tenant.id):
        row = Connection.objects.filter(id=there.id).first()
        if row is not None:
            attempts.record(row, member=arrival.subject)
    interaction = _for_place(doors.interaction_of(tenant, flow), there)
    return SignedInPerson(arrival.account_id, opened, NOBODY, False, interaction)


def _voucher(tenant: TenantRef, there: Provider, person: Asserted) -> Voucher:
    amr = (methods.FEDERATED, "mfa") if person.has_mfa else (methods.FEDERATED,)
    acr = assurance.MULTI_FACTOR if person.has_mfa else assurance.PASSWORD
    return Voucher(str(tenant.id), there.id, amr, acr)


def _for_place(interaction: Interaction, there: Provider) -> Interaction:
    """An organization's connection leads into that organization, whichever was asked for."""
    if there.organization_id is None:
        return interaction
    return replace(interaction, organization=str(there.organization_id))


def _tested(
    tenant: TenantRef,
    flow: SignInFlow,
    present: SessionRef | None,
    person: Asserted,
    claims: Mapping[str, object],
) -> Tested:
    """Keep what a test sign-in brought; nobody is signed in by it, and nobody made a member."""
    if present is None or str(present.account_id) != flow.data["tester"]:
        raise Rejected("state", "Whoever began the test is not signed in here any more.")
    with scope.tenant(tenant.id):
        row = Connection.objects.get(id=flow.data["connection"])
        arrivals.check_reach(row, person)
        Connection.objects.filter(id=row.id).update(tested_at=timezone.now())
        kept = attempts.record(row, is_test=True, claims=claims)
        return Tested(row.public_id, kept.public_id)


def _failed(tenant: TenantRef, flow: SignInFlow, refused: Rejected) -> SsoFailed:
    """Keep why, in a scope of its own that the refusal does not undo."""
    with scope.tenant(tenant.id):
        row = Connection.objects.filter(id=flow.data["connection"]).first()
        if row is not None:
            is_test = bool(flow.data["tester"])
            attempts.record(row, failed=refused.check, detail=refused.detail, is_test=is_test)
    return SsoFailed(refused.check)


# --- linking: both sides are proved (threat F1) ------------------------------------------------------------


def _ask_for_proof(tenant: TenantRef, flow: SignInFlow, browser: Browser, person: Asserted) -> ToLink:
    interaction = doors.interaction_of(tenant, flow)
    with scope.tenant(tenant.id):
        linking = flows.start(
            tenant=tenant,
            purpose=Purpose.SIGN_IN,
            stage=Stage.LINK,
            browser=browser,
            address=NOBODY,
            interaction=interaction,
            connection=flow.data["connection"],
            tester="",
            person=person.dump(),
        )
    return ToLink(linking.public_id, interaction)


def waiting_link(tenant: TenantRef, flow_id: str, browser: Browser) -> SignInFlow:
    """Return the link that waits for the person's own proof in this browser. Raises FlowExpired, OtherBrowser."""
    with scope.tenant(tenant.id):
        flow = flows.resume(tenant, flow_id, browser, Stage.LINK)
    if (timezone.now() - flow.created_at).total_seconds() > LINK_MINUTES * 60:
        raise FlowExpired
    return flow


def is_proof(flow: SignInFlow, session: SessionRef | None) -> bool:
    """Whether this is a sign-in by the account's own methods, made after the provider's side was proved."""
    return session is not None and session.is_own and session.auth_time >= flow.created_at


def link(*, tenant: TenantRef, flow_id: str, browser: Browser, session: SessionRef | None) -> SignedInPerson:
    """Link whoever is signed in by their own methods to whom the provider spoke of, and let them in by it.

    Raises FlowExpired, OtherBrowser, SsoFailed, Conflict.
    """
    flow = waiting_link(tenant, flow_id, browser)
    if session is None or not is_proof(flow, session):
        raise FlowExpired
    try:
        there = _provider(tenant, flow)
        with scope.tenant(tenant.id):
            flows.finish(flow)
        person = Asserted.load(flow.data["person"])
        arrival = arrivals.link(tenant.id, there.id, person, session.account_id)
        return _open(tenant, flow, there, person, arrival, session)
    except Rejected as refused:
        raise _failed(tenant, flow, refused) from None


def name_of(tenant: TenantRef, flow: SignInFlow) -> str:
    """Return the name of a flow's connection for the pages about it."""
    with scope.tenant(tenant.id):
        rows = Connection.objects.filter(id=flow.data["connection"])
        return rows.values_list("name", flat=True).first() or ""
