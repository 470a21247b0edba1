"""Accounts: made only once an address is proved, changed only by their owner.

Passwords are hashed before a scope is opened: a transaction never waits for Argon2id.
"""

from __future__ import annotations

import uuid
import zoneinfo
from collections.abc import Mapping
from functools import cache
from typing import NoReturn

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.db import IntegrityError, transaction
from django.utils import timezone

from core import ids, passwords, ports, scope
from core.errors import FieldError, ValidationFailed
from core.principal import Actor
from events.services import emit
from identity import emails, selectors
from identity.emails import Address
from identity.errors import AddressTaken, PasswordRefused
from identity.models import Account, EmailAddress, TrustedBrowser

PREFIX = "acc"


def public_id(account_id: uuid.UUID) -> str:
    """Return the account's name in its own stream and pages; tenants never see it."""
    return ids.encode(PREFIX, account_id)


def person(account_id: uuid.UUID) -> Actor:
    """Return the person as the actor of events in their own stream."""
    return Actor("user", public_id(account_id))


def describe(account_id: uuid.UUID) -> dict[str, str]:
    return {"id": public_id(account_id), "object": "account"}


def create_account(
    *, email: str | Address, password: str = "", password_hash: str = "", name: str = "", locale: str = ""
) -> Account:
    """Create an account whose address was proved; opens the new account's scope itself.

    Give `password`, or `password_hash` made at sign-up, or neither. Raises AddressTaken, ValidationFailed.
    """
    address = email if isinstance(email, Address) else emails.read(email)
    stored = password_hash or make_password(password or None)
    account = Account(
        id=ids.uuid7(), password=stored, name=name, locale=locale, password_changed_at=timezone.now()
    )
    if selectors.account_id_by_address(address) is not None:
        raise AddressTaken
    try:
        with scope.account(account.id):
            account.save(force_insert=True)
            EmailAddress.objects.create(
                account=account, address=address.mailbox, digest=address.digest, is_primary=True
            )
            emit(
                "user.email.verified",
                actor=person(account.id),
                object=describe(account.id),
                personal={"email": address.mailbox},
            )
    except IntegrityError:
        raise AddressTaken from None
    return account


def create_guest() -> Account:
    """Create an account that nothing was proved for; opens its scope itself. An address may be added later."""
    account = Account(id=ids.uuid7(), password=make_password(None))
    with scope.account(account.id):
        account.save(force_insert=True)
    return account


@cache
def time_zones() -> frozenset[str]:
    """Return the names of the tz database, for which Python reads six hundred files."""
    return frozenset(zoneinfo.available_timezones())


PROFILE = ("name", "given_name", "family_name", "nickname", "locale", "zoneinfo")


def change_profile(*, account_id: uuid.UUID, changes: Mapping[str, str]) -> None:
    """Change what the person says of themselves (PROFILE), in the open account scope; tenants keep what they have.

    Raises ValidationFailed for a time zone that does not exist.
    """
    assert set(changes) <= set(PROFILE), changes
    zone = changes.get("zoneinfo", "")
    if zone and zone not in time_zones():
        raise ValidationFailed(errors=[FieldError("/zoneinfo", "unknown", "Such as Europe/Zurich.")])
    account = Account.objects.get(id=account_id)
    changed = [name for name, value in changes.items() if getattr(account, name) != value]
    if changed:
        Account.objects.filter(id=account_id).update(
            **{name: changes[name] for name in changed}, updated_at=timezone.now()
        )
        shown = {**describe(account_id), "changed": changed}
        emit("account.profile.updated", actor=person(account_id), object=shown)


def check_new_password(
    password: str,
    *,
    words: list[str],
    rules: passwords.PasswordRules | None = None,
    sole_factor: bool = True,
) -> None:
    """Raise PasswordRefused with every reason: beside a second factor a shorter one will do (AUT-03)."""
    found = passwords.check_password_policy(
        password, tenant_rules=rules, context_words=words, sole_factor=sole_factor
    )
    if found:
        _refuse(*found)


def _refuse(*found: passwords.Finding) -> NoReturn:
    raise PasswordRefused(errors=[FieldError("/password", one.code, str(one.message)) for one in found])


_stand_in = ""


def verify_password(password: str, stored: str | None) -> bool:
    """Compare at the same cost whether or not there is a hash to compare with (threat L2)."""
    global _stand_in
    if not _stand_in:
        _stand_in = make_password(uuid.uuid4().hex)
    if stored and not stored.startswith("!"):
        return check_password(password, stored)
    check_password(password, _stand_in)
    return False


def set_password(
    *,
    account_id: uuid.UUID,
    password_hash: str,
    needs_factor: bool = False,
    event: str = "user.password.changed",
) -> None:
    """Store a new hash in the open account scope; the caller ends the other sign-ins.

    The person's own tokens end with the old password: whoever made them may have known it (threat L5).
    Raises PasswordRefused for one that `needs_factor` where the last second factor has gone meanwhile.
    """
    from identity import authenticators, tokens

    with transaction.atomic():
        Account.objects.select_for_update().get(id=account_id)
        if needs_factor and not authenticators.has_settled(account_id):
            _refuse(passwords.too_short(passwords.SOLE_FACTOR_LENGTH))
        tokens.revoke_all(account_id=account_id, reason="password_changed")
        TrustedBrowser.objects.filter(account_id=account_id).delete()
        now = timezone.now()
        Account.objects.filter(id=account_id).update(
            password=password_hash,
            password_changed_at=now,
            password_needs_factor=needs_factor,
            updated_at=now,
        )
        emit(event, actor=person(account_id), object=describe(account_id))


def change_password(*, account_id: uuid.UUID, password: str, words: list[str], keep: uuid.UUID) -> None:
    """Set a new password for a person who has just proved who they are; other sign-ins than `keep` end.

    Opens the account scope itself. Raises PasswordRefused.
    """
    from identity import authenticators, sessions

    with scope.account(account_id):
        is_sole = not authenticators.has_settled(account_id)
    known = [*words, *(word for text in words for word in text.split("@"))]
    check_new_password(password, words=known, sole_factor=is_sole)
    hashed = make_password(password)
    with scope.account(account_id):
        set_password(
            account_id=account_id, password_hash=hashed, needs_factor=passwords.needs_factor(password)
        )
        sessions.end_others(account_id=account_id, keep=keep, reason="password_changed")
        link = f"{settings.ORIGIN}/recovery"
        ports.mail.send(
            "password_changed",
            selectors.primary_email(account_id),
            account_id=account_id,
            context={"link": link},
        )
