"""Second factors of people who have nothing but a connection (AUT-15): enrolled behind its word, good only beside it.

Whoever decides for the provider could plant what outlives the connection: so nothing here ever opens the account,
and where the person holds a factor already, the provider's word alone adds none beside it (threats M5, F7).
"""

from __future__ import annotations

from dataclasses import dataclass

from core import ports, scope
from core.network import current_network
from core.principal import Actor
from events.services import emit
from identity import authenticators, passkeys, recovery_codes, sessions, totp
from identity.authenticators import SECOND
from identity.models import Passkey, TotpDevice
from identity.passkeys import Site
from identity.sessions import Opened, SessionRef
from identity.totp import Offer
from signin import admission, limits
from signin.interaction import Interaction
from signin.limits import Attempt
from tenants.face import face_of
from tenants.models import Member
from tenants.selectors import TenantRef

RECENT = 600  # seconds since the provider's word (threat L8), as on the person's own pages


@dataclass(frozen=True)
class Enrolment:
    """A member whom nothing but a connection signs in, in the tenant whose connection it is."""

    tenant: TenantRef
    session: SessionRef
    member: Member

    @property
    def is_fresh(self) -> bool:
        return self.session.is_fresh(RECENT)

    @property
    def owes_proof(self) -> bool:
        """Whether a factor is held that this very session has not proved; a provider's `mfa` is no proof of it."""
        with scope.account(self.session.account_id):
            held = authenticators.held(self.session.account_id, self.session.connection_id)
        return held.any and not SECOND.intersection(self.session.amr)

    @property
    def label(self) -> str:
        return self.member.email or self.member.name or self.member.subject


@dataclass(frozen=True)
class Added:
    """What enrolling gave: the session under its new value, and recovery codes where there were none."""

    opened: Opened
    codes: list[str]


def find(tenant: TenantRef | None, session: SessionRef | None, interaction: Interaction) -> Enrolment | None:
    """Return who may enrol here; None for own sessions, people with methods of their own, members of elsewhere or
    suspended ones, and where the connection vouches no more.
    """
    if tenant is None or session is None or session.is_own or session.email:
        return None
    if session.connection_id is None or not session.is_good_in(tenant.id):
        return None
    here = admission.standing(tenant, session, interaction)
    if here.must_prove or here.member is None or not here.member.is_active:
        return None
    return Enrolment(tenant, session, here.member)


def offer_app(who: Enrolment, sealed: str = "") -> Offer:
    """Offer a key, or return the one of a form that comes back; raises AuthenticatorRefused."""
    account_id, connection_id = who.session.account_id, who.session.connection_id
    label, issuer = who.label, face_of(who.tenant.id).name
    if not sealed:
        return totp.offer(account_id=account_id, label=label, issuer=issuer, connection_id=connection_id)
    return totp.offered(
        account_id=account_id, sealed=sealed, label=label, issuer=issuer, connection_id=connection_id
    )


def add_app(*, who: Enrolment, offer: Offer, code: str, name: str) -> Added:
    """Bind an app to the connection once its first code is right, in place of the one that was.

    Raises WrongFactor, AuthenticatorRefused, TooManyAttempts.
    """
    account_id, connection_id = who.session.account_id, who.session.connection_id
    assert connection_id is not None
    own = [Attempt(rule, str(account_id)) for rule in (limits.FACTOR_ACCOUNT, limits.FACTOR_EVER)]
    shared = [Attempt(limits.GUESS_NETWORK, current_network())]
    limits.take([*own, *shared])
    with scope.account(account_id):
        authenticators.drop_bound_app(account_id=account_id, connection_id=connection_id)
        row = totp.enrol(
            account_id=account_id, sealed=offer.sealed, code=code, name=name, connection_id=connection_id
        )
    limits.settle(own=own, shared=shared)
    return _added(who, row, "otp")


def ask_for_passkey(who: Enrolment, site: Site) -> str:
    """Return the options with which the browser makes a passkey. Raises TooManyAttempts."""
    limits.take([Attempt(limits.CHALLENGE_NETWORK, current_network())])
    return passkeys.offer(
        account_id=who.session.account_id,
        label=who.label,
        name=who.member.name,
        site=site,
        bound_to=str(who.session.id),
        connection_id=who.session.connection_id,
    )


def add_passkey(*, who: Enrolment, answer: str, name: str, site: Site) -> Added:
    """Bind a passkey to the connection. Raises AuthenticatorRefused, TooManyAttempts."""
    limits.take([Attempt(limits.CHALLENGE_NETWORK, current_network())])
    row = passkeys.register(
        account_id=who.session.account_id,
        answer=answer,
        name=name,
        site=site,
        bound_to=str(who.session.id),
        connection_id=who.session.connection_id,
    )
    return _added(who, row, "swk" if row.is_synced else "hwk")


def _tell(who: Enrolment, name: str) -> None:
    """Mail the person at the address that the provider vouched for: the account has none of its own (threat M5)."""
    if who.member.email_verified:
        ports.mail.send(
            "authenticator_bound", who.member.email, tenant_id=who.tenant.id, context={"name": name}
        )


def _added(who: Enrolment, row: Passkey | TotpDevice, proof: str) -> Added:
    """Raise the session that has just proved the new factor; its own age stays that of the provider's word."""
    account_id, connection_id = who.session.account_id, who.session.connection_id
    whole = authenticators.together(who.session.amr, [proof])
    with scope.account(account_id):
        opened = sessions.step_up(who.session, amr=whole, acr=authenticators.level(whole))
        codes: list[str] = []
        if not authenticators.held(account_id, connection_id).codes_left:
            codes = recovery_codes.generate(account_id=account_id, connection_id=connection_id)
    with scope.tenant(who.tenant.id):
        told = {**authenticators.described(row), "member": who.member.subject}
        emit("authenticator.enrolled", actor=Actor("user", who.member.subject), object=told)
        _tell(who, row.name)
    return Added(opened, codes)
