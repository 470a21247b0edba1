"""Passkeys (Web Authentication Level 3): registered with user verification, as sole factor or beside a password.

What the library verifies: type, challenge, origin, RP id, presence, user verification, counter, signature.
What is ours: that the challenge was held here for this browser and is used up, and whose key it is (M4).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_noop
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    RegistrationCredential,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from core import scope, secrets
from core.uniqueness import unique_or
from events.services import emit
from identity import authenticators, challenges
from identity.authenticator_models import good_beside
from identity.errors import AuthenticatorRefused, WrongFactor
from identity.models import Passkey
from identity.passkey_answers import BROKEN, aaguid_of, read_answer, read_registration
from identity.services import person

PURPOSE = "identity.passkey"
MOST = 20  # passkeys of one person
TIMEOUT = 300_000  # milliseconds that the browser waits


@dataclass(frozen=True)
class Site:
    """Where a passkey is good: the origin that pages come from, and its host (§5.1.2, "RP ID")."""

    origin: str

    @property
    def rp_id(self) -> str:
        return urlsplit(self.origin).hostname or ""


def here() -> Site:
    """Return this installation: all tenants share its origin, and so a person's passkeys."""
    return Site(settings.ORIGIN)


@dataclass(frozen=True)
class Proved:
    """A passkey that has just been used. `amr` says whether its key can leave the device (RFC 8176 §2)."""

    account_id: uuid.UUID
    amr: tuple[str, ...]


def offer(
    *,
    account_id: uuid.UUID,
    label: str,
    name: str,
    site: Site,
    bound_to: str,
    connection_id: uuid.UUID | None = None,
) -> str:
    """Return the options of navigator.credentials.create() as JSON; known passkeys are left out.

    One for a connection is asked to be found by its id only, since it never begins a sign-in.
    """
    with scope.account(account_id):
        known = list(_good(account_id, site.rp_id, connection_id))
    discoverable = ResidentKeyRequirement.DISCOURAGED if connection_id else ResidentKeyRequirement.REQUIRED
    return options_to_json(
        generate_registration_options(
            rp_id=site.rp_id,
            rp_name="Claviger",
            user_name=label,
            user_display_name=name or label,
            user_id=_handle(account_id, known, connection_id),
            challenge=challenges.issue(f"register:{account_id}:{bound_to}"),
            timeout=TIMEOUT,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=discoverable,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[_descriptor(row) for row in known],
        )
    )


def register(
    *,
    account_id: uuid.UUID,
    answer: str,
    name: str,
    site: Site,
    bound_to: str,
    unsettled_until: datetime | None = None,
    connection_id: uuid.UUID | None = None,
) -> Passkey:
    """Keep a new passkey; opens the account scope itself, once the answer is verified.

    `unsettled_until` comes from identity.settling; `connection_id` binds the passkey to a connection.

    Raises AuthenticatorRefused.
    """
    credential, challenge = read_registration(answer)
    if not challenges.spend(challenge, f"register:{account_id}:{bound_to}"):
        raise AuthenticatorRefused
    made = _verify_new(credential, challenge, site)
    row = Passkey(
        account_id=account_id,
        name=name,
        rp_id=site.rp_id,
        digest=secrets.fingerprint(made.credential_id, PURPOSE),
        credential_id=made.credential_id,
        public_key=made.credential_public_key,
        sign_count=made.sign_count,
        is_synced=made.credential_device_type == "multi_device",
        transports=[str(word.value) for word in credential.response.transports or []],
        aaguid=aaguid_of(made.aaguid),
        unsettled_until=unsettled_until,
        connection_id=connection_id,
    )
    return _keep(row)


def _verify_new(credential: RegistrationCredential, challenge: bytes, site: Site) -> VerifiedRegistration:
    """Section 7.1 of the standard, by the library; raises AuthenticatorRefused."""
    try:
        return verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except BROKEN:
        raise AuthenticatorRefused from None


def _keep(row: Passkey) -> Passkey:
    with scope.account(row.account_id):
        mine = Passkey.objects.filter(account_id=row.account_id, connection_id=row.connection_id)
        if mine.count() >= MOST:
            raise AuthenticatorRefused(
                gettext_noop("You have as many passkeys as you can have. Remove one first.")
            )
        row.handle = _handle(row.account_id, mine.filter(rp_id=row.rp_id), row.connection_id)
        with unique_or(AuthenticatorRefused):
            row.save(force_insert=True)
        emit("authenticator.enrolled", actor=person(row.account_id), object=authenticators.described(row))
        authenticators.tell(row.account_id, "authenticator_added", row.name)
    return row


def ask(
    *,
    site: Site,
    bound_to: str,
    account_id: uuid.UUID | None = None,
    connection_id: uuid.UUID | None = None,
) -> str:
    """Return the options of navigator.credentials.get() as JSON.

    Without an account any discoverable passkey of this host will do; with one, that person's only: their own, and with
    a connection those bound to it.
    """
    known: list[Passkey] = []
    if account_id is not None:
        with scope.account(account_id):
            known = list(_good(account_id, site.rp_id, connection_id))
    return options_to_json(
        generate_authentication_options(
            rp_id=site.rp_id,
            challenge=challenges.issue(f"prove:{account_id or ''}:{bound_to}"),
            timeout=TIMEOUT,
            allow_credentials=[_descriptor(row) for row in known] or None,
            user_verification=UserVerificationRequirement.REQUIRED,
        )
    )


def prove(
    *,
    answer: str,
    site: Site,
    bound_to: str,
    account_id: uuid.UUID | None = None,
    connection_id: uuid.UUID | None = None,
) -> Proved:
    """Verify an answer to `ask` with the same site, binding, account and connection; opens the account scope itself.

    Raises WrongFactor, alike for every check that fails.
    """
    credential, challenge = read_answer(answer)
    if not challenges.spend(challenge, f"prove:{account_id or ''}:{bound_to}"):
        raise WrongFactor
    owner = _owner(credential.raw_id)
    if owner is None or (account_id is not None and owner != account_id):
        raise WrongFactor
    with scope.account(owner):
        row = (
            _good(owner, site.rp_id, connection_id)
            .select_related("account")
            .filter(digest__in=secrets.fingerprints(credential.raw_id, PURPOSE))
            .first()
        )
        copied = row is not None and not _verify(
            row, credential, challenge, site, discovered=account_id is None
        )
    if row is None or copied:  # after the commit: the record of a copied key stays
        raise WrongFactor
    return Proved(owner, ("swk",) if row.is_synced else ("hwk",))


def _verify(
    row: Passkey, credential: AuthenticationCredential, challenge: bytes, site: Site, *, discovered: bool
) -> bool:
    """Verify and note the use; False for a counter that went back. Raises WrongFactor for anything else."""
    given = credential.response.user_handle
    if (discovered and not given) or (given and bytes(given) != bytes(row.handle)):
        raise WrongFactor
    if not row.account.is_active:
        raise WrongFactor
    try:
        used = verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            credential_public_key=bytes(row.public_key),
            credential_current_sign_count=0,  # judged below, by the statement that also stores it
            require_user_verification=True,
        )
    except BROKEN:
        raise WrongFactor from None
    return _count(row, used.new_sign_count)


def _count(row: Passkey, new: int) -> bool:
    """Advance the counter (§6.1.1); authenticators without one send zero for ever."""
    advances = Q(sign_count__lt=new) | Q(sign_count=0) if new == 0 else Q(sign_count__lt=new)
    changed = Passkey.objects.filter(advances, id=row.id).update(sign_count=new, last_used_at=timezone.now())
    if not changed:
        described = {**authenticators.described(row), "reason": "counter_went_back"}
        emit("authenticator.locked", actor=person(row.account_id), object=described)
    return bool(changed)


def _owner(credential_id: bytes) -> uuid.UUID | None:
    with connection.cursor() as cursor:
        for digest in secrets.fingerprints(credential_id, PURPOSE):
            cursor.execute("SELECT account_by_passkey(%s)", [digest])
            found = cursor.fetchone()
            if found and found[0]:
                return uuid.UUID(str(found[0]))
    return None


def _good(account_id: uuid.UUID, rp_id: str, connection_id: uuid.UUID | None) -> QuerySet[Passkey]:
    return Passkey.objects.filter(good_beside(connection_id), account_id=account_id, rp_id=rp_id)


def _handle(account_id: uuid.UUID, known: Iterable[Passkey], connection_id: uuid.UUID | None) -> bytes:
    """Return the person's user handle: opaque to whoever reads it on the device (§14.6.1).

    Each connection has another, for a device keeps one passkey a handle.
    """
    for row in known:
        if row.connection_id == connection_id:
            return bytes(row.handle)
    whose = f"{account_id}:{connection_id}" if connection_id else str(account_id)
    return bytes.fromhex(secrets.fingerprint(whose, "identity.passkey_handle").split("$")[1])


def _descriptor(row: Passkey) -> PublicKeyCredentialDescriptor:
    known = {word.value: word for word in AuthenticatorTransport}
    transports = [known[word] for word in row.transports if word in known]
    return PublicKeyCredentialDescriptor(id=bytes(row.credential_id), transports=transports or None)
